//! Counting in Redis, for all replicas together. Its clock ends the windows: replicas' clocks take no part.
//!
//! There is a connection or there is none. Whoever meets a failure or waits too long takes it away, so that nobody after them
//! waits too; one task connects anew, and gives it back once a count on it has succeeded in time.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use common::error::chain;
use redis::{AsyncConnectionConfig, Client, RedisError, Script, aio::MultiplexedConnection};
use tokio::sync::watch;

use super::policy::{Counter, Figures, LimitStatus};
use crate::metrics;

/// Between attempts to connect: nobody waits for them, and Redis is not to be flooded by whoever finds it away.
const PAUSE: Duration = Duration::from_millis(500);
const CONNECTED_WITHIN: Duration = Duration::from_secs(2);

/// The counters in Redis.
pub struct Shared {
    client: ArcSwap<Client>,
    script: Script,
    figures: Figures,
    patience: Duration,
    line: watch::Sender<Option<Line>>,
}

/// A connection, and which one it is.
#[derive(Clone)]
struct Line {
    connection: MultiplexedConnection,
    number: u64,
}

/// Why there is no count.
#[derive(Debug, thiserror::Error)]
enum Uncounted {
    #[error("Redis failed to count")]
    Failed(#[from] RedisError),
    #[error("Redis did not count in time")]
    TooLate,
    #[error("Redis answered what is no count")]
    Nonsense,
}

impl Shared {
    /// Connects to nothing yet.
    pub fn new(client: Client, figures: Figures, patience: Duration) -> Self {
        let script = Script::new(include_str!("count.lua"));
        Self {
            client: ArcSwap::from_pointee(client),
            script,
            figures,
            patience,
            line: watch::Sender::new(None),
        }
    }

    /// The next connection is made with this one.
    pub fn put_client(&self, client: Client) {
        self.client.store(Arc::new(client));
    }

    /// Whether requests are counted here at the moment.
    pub fn is_there(&self) -> bool {
        self.line.borrow().is_some()
    }

    /// Counts one request under these counters. `None` when Redis is away: that one is to be counted elsewhere.
    pub async fn count(&self, counters: &[Counter]) -> Option<Vec<LimitStatus>> {
        let mut line = self.line.borrow().clone()?;
        match self.ask(&mut line.connection, counters).await {
            Ok(limits) => Some(limits),
            Err(error) => {
                self.lose(line.number, &error);
                None
            }
        }
    }

    async fn ask(
        &self,
        connection: &mut MultiplexedConnection,
        counters: &[Counter],
    ) -> Result<Vec<LimitStatus>, Uncounted> {
        let mut call = self.script.prepare_invoke();
        // A day at most.
        call.arg(self.figures.window.as_millis() as u64);
        for counter in counters {
            call.key(counter.key().as_slice()).arg(self.figures.of(counter.group()).requests().get());
        }
        let asked = tokio::time::timeout(self.patience, call.invoke_async::<Vec<u64>>(connection));
        let answer = asked.await.map_err(|_| Uncounted::TooLate)??;
        let pairs = answer.chunks_exact(2);
        // Whatever comes after a refusal was not looked at.
        let limits: Vec<_> =
            counters.iter().zip(pairs).map(|(counter, pair)| self.limit(counter, pair)).collect();
        let complete = limits.len() == counters.len() || limits.last().is_some_and(|last| !last.admitted);
        if complete { Ok(limits) } else { Err(Uncounted::Nonsense) }
    }

    fn limit(&self, counter: &Counter, pair: &[u64]) -> LimitStatus {
        let quota = self.figures.of(counter.group()).requests().get();
        let (seen, left_ms) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
        LimitStatus {
            policy: counter.group().policy(),
            quota,
            // Not more than the quota, which is 32 bits.
            remaining: u64::from(quota).saturating_sub(seen) as u32,
            resets_in: Duration::from_millis(left_ms),
            admitted: seen <= u64::from(quota),
        }
    }

    /// Takes the connection away, unless somebody has done so before. Who does it says so.
    fn lose(&self, number: u64, error: &Uncounted) {
        let lost = self.line.send_if_modified(|line| {
            let mine = line.as_ref().is_some_and(|line| line.number == number);
            if mine {
                *line = None;
            }
            mine
        });
        if lost {
            metrics::rates_shared(false);
            tracing::warn!(error = chain(error), "requests are limited by each gateway for itself");
        }
    }

    /// Connects whenever there is no connection, for ever.
    pub async fn keep_connected(&self) {
        let mut lines = self.line.subscribe();
        metrics::rates_shared(false);
        for number in 1.. {
            // The sender is part of this: it is not gone.
            let _ = lines.wait_for(Option::is_none).await;
            if number > 1 {
                tokio::time::sleep(PAUSE).await;
            }
            match self.connect().await {
                Ok(connection) => {
                    self.line.send_replace(Some(Line { connection, number }));
                    metrics::rates_shared(true);
                    tracing::info!("requests are limited by all gateways together");
                }
                Err(error) if number == 1 => {
                    tracing::warn!(error = chain(&error), "requests are limited by each gateway for itself");
                }
                Err(error) => tracing::debug!(error = chain(&error), "Redis does not count yet"),
            }
        }
    }

    /// A connection on which counting works: one that is refused writes, or is slow, is no better than none.
    async fn connect(&self) -> Result<MultiplexedConnection, Uncounted> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTED_WITHIN))
            .set_response_timeout(Some(CONNECTED_WITHIN));
        let client = self.client.load_full();
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        // The handshake has no limit of its own when the server accepts and then says nothing.
        let connected = tokio::time::timeout(CONNECTED_WITHIN, connecting).await;
        let mut connection = connected.map_err(|_| Uncounted::TooLate)??;
        self.ask(&mut connection, &[Counter::of_nobody()]).await?;
        Ok(connection)
    }
}
