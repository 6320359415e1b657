//! A proxy in front of Postgres that cuts connections: anywhere, or exactly between a commit and its answer.

mod frames;
mod watch;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use common::service::Tasks;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::sync::CancellationToken;

use frames::Frames;
use watch::Watch;

/// The way of one group of services to Postgres.
#[derive(Default)]
pub struct Proxy {
    /// The next answer to a commit is not delivered.
    armed: AtomicBool,
    last_id: AtomicU64,
    open: Mutex<HashMap<u64, CancellationToken>>,
    after_commit: AtomicU64,
}

impl Proxy {
    /// Listens on this port of 127.0.0.1 until the storm is over.
    pub async fn listen(tasks: &Tasks, port: u16, postgres: SocketAddr) -> anyhow::Result<Arc<Self>> {
        let (proxy, listener) = (Arc::new(Self::default()), TcpListener::bind(("127.0.0.1", port)).await?);
        let (tasks_inside, itself) = (tasks.clone(), proxy.clone());
        tasks.spawn("proxy", async move {
            let stopping = tasks_inside.stopping();
            while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
                if let Ok((client, _)) = accepted {
                    let pass = itself.clone().pass(client, postgres, stopping.child_token());
                    tasks_inside.spawn("connection", pass);
                }
            }
        });
        Ok(proxy)
    }

    /// Cuts the next connection on which a commit succeeds, before its answer is delivered.
    pub fn cut_after_next_commit(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Cuts one connection, whatever it is doing. Returns whether there was one.
    pub fn cut_any(&self, random: &mut fastrand::Rng) -> bool {
        let open = self.open();
        let victim = random.choice(open.values());
        victim.map(CancellationToken::cancel).is_some()
    }

    /// How many answers to commits were not delivered.
    pub fn cut_after_commit(&self) -> u64 {
        self.after_commit.load(Ordering::SeqCst)
    }

    async fn pass(self: Arc<Self>, client: TcpStream, postgres: SocketAddr, cut: CancellationToken) {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        self.open().insert(id, cut.clone());
        // However it ends, both sides are closed, and see it.
        let _ = cut.run_until_cancelled(self.connect(client, postgres)).await;
        self.open().remove(&id);
    }

    async fn connect(&self, mut client: TcpStream, postgres: SocketAddr) -> std::io::Result<()> {
        let mut server = TcpStream::connect(postgres).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        // The first message has no type. The services are told not to ask for encryption, so it is the start itself.
        let length = client.read_u32().await?;
        let mut start = vec![0; (length as usize).saturating_sub(4).min(10_000)];
        client.read_exact(&mut start).await?;
        server.write_u32(length).await?;
        server.write_all(&start).await?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let watch = Mutex::new(Watch::default());
        tokio::select! {
            asked = ask(from_client, to_server, &watch) => asked,
            answered = self.answer(from_server, to_client, &watch) => answered,
        }
    }

    async fn answer(
        &self,
        mut server: OwnedReadHalf,
        mut client: OwnedWriteHalf,
        watch: &Mutex<Watch>,
    ) -> std::io::Result<()> {
        let mut frames = Frames::default();
        while frames.fill(&mut server).await? {
            let mut told = Vec::new();
            while let Some(frame) = frames.next() {
                let committed = lock(watch).answered(&frame);
                if committed && self.armed.swap(false, Ordering::SeqCst) {
                    self.after_commit.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                told.extend_from_slice(&frame);
            }
            client.write_all(&told).await?;
        }
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, CancellationToken>> {
        lock(&self.open)
    }
}

async fn ask(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    watch: &Mutex<Watch>,
) -> std::io::Result<()> {
    let mut frames = Frames::default();
    while frames.fill(&mut client).await? {
        let mut told = Vec::new();
        while let Some(frame) = frames.next() {
            lock(watch).asked(&frame);
            told.extend_from_slice(&frame);
        }
        server.write_all(&told).await?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
