//! A door before NATS, which can be shut: connections through it end, and new ones come to nothing.

use common::service::Tasks;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::nats_url;

pub struct Door {
    /// Where to knock.
    pub url: String,
    open: watch::Sender<bool>,
}

impl Door {
    /// An open one.
    #[allow(dead_code, reason = "not every test's is before the usual server")]
    pub async fn open(tasks: &Tasks) -> Self {
        Self::before(&nats_url(), tasks).await
    }

    /// The same before this server.
    pub async fn before(server: &str, tasks: &Tasks) -> Self {
        let server = server.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let (open, seen) = watch::channel(true);
        let (within, stopping) = (tasks.clone(), tasks.stopping());
        tasks.spawn("door", async move {
            while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
                let (passing, stopping) =
                    (pass(accepted.unwrap().0, server.clone(), seen.clone()), within.stopping());
                within.spawn("door-connection", async move {
                    stopping.run_until_cancelled(passing).await;
                });
            }
        });
        Self { url, open }
    }

    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

async fn pass(mut from: TcpStream, server: String, mut open: watch::Receiver<bool>) {
    if !*open.borrow() {
        return;
    }
    let mut to = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut from, &mut to) => {}
        _ = open.wait_for(|open| !open) => {}
    }
}
