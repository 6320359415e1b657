//! Clients that follow events: what one costs, and how soon the last one knows.

use std::time::Duration;

use common::id::TenantId;
use http::Request;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::Bench;
use crate::{load::Latencies, record, services};

/// They follow a tenant to which nothing happens.
const IDLE: usize = 10_000;
/// They follow everything.
const ACTIVE: usize = 1_000;
/// Streams that are opened at the same time; the rest of them waits.
const OPENED_AT_ONCE: usize = 32;
/// By then a gateway knows where events begin.
const SETTLED: Duration = Duration::from_secs(2);
/// A stream has answered long before.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between events: no whole number of the tenths of a second that the gateway looks for them in.
const PAUSE: Duration = Duration::from_millis(137);

type Stream = BufReader<TcpStream>;

impl Bench {
    /// A gateway of its own, so that its memory before was never used for anything else.
    pub async fn follow(&mut self, cell: &str) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let gateway = services::fresh_gateway(&self.config, OPENED_AT_ONCE + IDLE + ACTIVE).await?;
        sleep(SETTLED).await;
        let (idle, everything) = (format!("/events?tenant={}", TenantId::generate()), "/events");
        // What is allocated once is not the price of a client.
        let first = self.open(gateway.port, everything, OPENED_AT_ONCE).await?;
        let before = gateway.process.memory_mb()?;
        let idle = self.open(gateway.port, &idle, IDLE).await?;
        let quiet = gateway.process.memory_mb()?;
        let active = self.open(gateway.port, everything, ACTIVE).await?;
        let seen = self.told(active).await?;
        let after = gateway.process.memory_mb()?;
        drop((first, idle));
        self.note_latencies(cell, &seen);
        self.figures.note(cell, "kB of an idle one", (quiet - before) * 1024.0 / IDLE as f64);
        self.figures.note(cell, "kB of each", (after - before) * 1024.0 / (IDLE + ACTIVE) as f64);
        self.figures.note(cell, "MB", after);
        gateway.process.stop().await
    }

    /// Streams that have begun.
    async fn open(&self, port: u16, target: &str, count: usize) -> anyhow::Result<Vec<Stream>> {
        let (head, mut opening, mut open) = (head(&self.caller.look(target)?)?, JoinSet::new(), Vec::new());
        for number in 0..count {
            if number >= OPENED_AT_ONCE
                && let Some(opened) = opening.join_next().await
            {
                open.push(opened??);
            }
            opening.spawn(begin(port, head.clone()));
        }
        while let Some(opened) = opening.join_next().await {
            open.push(opened??);
        }
        Ok(open)
    }

    /// Lets things happen one after the other: how long until the last of these clients was told?
    async fn told(&self, clients: Vec<Stream>) -> anyhow::Result<Latencies> {
        let (count, mut seen) = (clients.len(), Latencies::new(3)?);
        let (heard, mut hearing) = mpsc::channel(count);
        let mut listening = JoinSet::new();
        clients.into_iter().for_each(|client| drop(listening.spawn(listen(client, heard.clone()))));
        let end = Instant::now() + self.config.window;
        while Instant::now() < end {
            let happened = Instant::now();
            record::tell(&self.record, TenantId::generate()).await?;
            for _ in 0..count {
                anyhow::ensure!(timeout(PATIENCE, hearing.recv()).await?.is_some(), "nobody follows events");
            }
            seen.record(happened.elapsed().as_micros() as u64)?;
            sleep(PAUSE).await;
        }
        Ok(seen)
    }
}

/// A request as it is sent. Eleven thousand clients of a library would be measured with what they follow.
fn head<B>(request: &Request<B>) -> anyhow::Result<String> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    Ok(head + "\r\n")
}

/// Asks, and reads until the stream has said where it begins.
async fn begin(port: u16, head: String) -> anyhow::Result<Stream> {
    let mut stream = BufReader::with_capacity(1024, TcpStream::connect(("127.0.0.1", port)).await?);
    stream.write_all(head.as_bytes()).await?;
    let answer = timeout(PATIENCE, next_line(&mut stream)).await??;
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    while !timeout(PATIENCE, next_line(&mut stream)).await??.starts_with("id:") {}
    Ok(stream)
}

/// Says whenever this client was told something, until it is cut off.
async fn listen(mut stream: Stream, heard: mpsc::Sender<()>) -> anyhow::Result<()> {
    loop {
        if next_line(&mut stream).await?.starts_with("data:") {
            heard.send(()).await?;
        }
    }
}

async fn next_line(stream: &mut Stream) -> anyhow::Result<String> {
    let mut line = String::new();
    anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the stream has ended");
    Ok(line)
}
