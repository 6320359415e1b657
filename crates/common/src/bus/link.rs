//! Whether the server is there, and whether it is still the same connection.

use std::time::Duration;

use async_nats::Event;
use tokio::sync::watch;

/// Whoever is away comes back within this time after the server does.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The connection as its consumers see it.
#[derive(Debug, Clone)]
pub(super) struct Link(watch::Receiver<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    up: bool,
    connection: Connection,
}

/// One connection, from its beginning to its end. What was opened on one may be unknown on the next: the server may have
/// lost its store in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Connection(u64);

impl Link {
    /// A connection that is not there yet, and what is to be told of each event on it.
    pub fn new() -> (Self, impl Fn(&Event) + Send + Sync + 'static) {
        let (state, seen) = watch::channel(State::default());
        let notice = move |event: &Event| {
            state.send_if_modified(|state| match event {
                Event::Connected => {
                    *state = State { up: true, connection: Connection(state.connection.0 + 1) };
                    true
                }
                Event::Disconnected | Event::Closed => std::mem::take(&mut state.up),
                Event::LameDuckMode
                | Event::Draining
                | Event::SlowConsumer(_)
                | Event::ServerError(_)
                | Event::ClientError(_) => false,
            });
        };
        (Self(seen), notice)
    }

    /// The connection there is, as soon as there is one.
    pub async fn established(&self) -> Connection {
        self.until(|state| state.up).await.connection
    }

    /// Returns when there is another connection than this one.
    pub async fn replaced(&self, connection: Connection) {
        self.until(|state| state.up && state.connection != connection).await;
    }

    async fn until(&self, so: impl FnMut(&State) -> bool) -> State {
        let reached = self.0.clone().wait_for(so).await.ok().map(|state| *state);
        match reached {
            Some(state) => state,
            // The client is gone, and with it everything that could happen.
            None => std::future::pending().await,
        }
    }
}

/// How long to wait before asking for the server again.
pub(super) fn pause(attempts: usize) -> Duration {
    let doubled = 2_u64.saturating_pow(u32::try_from(attempts).unwrap_or(u32::MAX));
    Duration::from_millis(doubled).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_connection_is_replaced_by_the_next_one_and_not_by_its_absence() {
        let (link, notice) = Link::new();
        assert!(link.established().now_or_never().is_none());
        notice(&Event::Connected);
        let first = link.established().now_or_never().unwrap();
        notice(&Event::Disconnected);
        assert!(link.established().now_or_never().is_none());
        assert!(link.replaced(first).now_or_never().is_none());
        notice(&Event::Connected);
        assert!(link.replaced(first).now_or_never().is_some());
        assert_ne!(link.established().now_or_never().unwrap(), first);
    }

    #[test]
    fn the_server_is_asked_for_again_within_a_second() {
        assert!(pause(1) < Duration::from_millis(10));
        assert_eq!(pause(1_000), LONGEST_PAUSE);
    }
}
