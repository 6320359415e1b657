//! The two ways to ask: as fast as answers come, or at moments that do not wait for answers.

use std::time::Duration;

use bytes::Bytes;
use common::service::Tasks;
use hdrhistogram::Histogram;
use http::{Request, StatusCode};
use http_body_util::Full;
use testkit::portal::Client;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Caches, pools and prepared statements are filled in this time; what happens in it is not counted.
pub const WARM_UP: Duration = Duration::from_secs(1);
/// Connections of the open loop. Each has its next request due long after the answer to the last one.
const OPEN_CONNECTIONS: u32 = 32;

/// A request, and the only right answer.
pub type Asked = anyhow::Result<(Request<Full<Bytes>>, StatusCode)>;

/// Who is asked, and for what, over and over.
#[derive(Clone)]
pub struct Ask<F> {
    pub port: u16,
    pub next: F,
}

/// Microseconds, to three digits.
pub type Latencies = Histogram<u64>;

/// These, one after the other.
pub async fn each(port: u16, all: impl Iterator<Item = Asked>) -> anyhow::Result<()> {
    let mut client = Client::connect(&Tasks::default(), port).await?;
    for asked in all {
        let (request, answer) = asked?;
        client.expect(request, answer).await?;
    }
    Ok(())
}

/// Each connection asks again as soon as it is answered. Returns the latencies of those answered within the window.
pub async fn closed<F>(ask: &Ask<F>, connections: usize, window: Duration) -> anyhow::Result<Latencies>
where
    F: Fn() -> Asked + Clone + Send + Sync + 'static,
{
    let (tasks, begin) = (Tasks::default(), Instant::now() + WARM_UP);
    let mut loops = JoinSet::new();
    for _ in 0..connections {
        let (ask, mut client) = (ask.clone(), Client::connect(&tasks, ask.port).await?);
        loops.spawn(async move {
            let mut seen = Latencies::new(3)?;
            loop {
                let (request, answer) = (ask.next)()?;
                let asked = Instant::now();
                client.expect(request, answer).await?;
                let answered = Instant::now();
                if answered > begin + window {
                    return anyhow::Ok(seen);
                }
                if answered > begin {
                    seen.record(micros(answered - asked))?;
                }
            }
        });
    }
    merged(loops).await
}

/// So many a second, each at its moment; latency is counted from then, whoever was in the way.
pub async fn open<F>(ask: &Ask<F>, rate: u32, window: Duration) -> anyhow::Result<Latencies>
where
    F: Fn() -> Asked + Clone + Send + Sync + 'static,
{
    let (tasks, begin) = (Tasks::default(), Instant::now());
    let total = rate * (WARM_UP + window).as_secs() as u32;
    let mut loops = JoinSet::new();
    for first in 0..OPEN_CONNECTIONS {
        let (ask, mut client) = (ask.clone(), Client::connect(&tasks, ask.port).await?);
        loops.spawn(async move {
            let mut seen = Latencies::new(3)?;
            for number in (first..total).step_by(OPEN_CONNECTIONS as usize) {
                let (request, answer) = (ask.next)()?;
                let due = begin + Duration::from_secs(1) * number / rate;
                sleep_until(due).await;
                client.expect(request, answer).await?;
                if due > begin + WARM_UP {
                    seen.record(micros(due.elapsed()))?;
                }
            }
            anyhow::Ok(seen)
        });
    }
    merged(loops).await
}

async fn merged(mut loops: JoinSet<anyhow::Result<Latencies>>) -> anyhow::Result<Latencies> {
    let mut all = Latencies::new(3)?;
    while let Some(seen) = loops.join_next().await {
        all.add(seen??)?;
    }
    Ok(all)
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}
