//! Waiting for a reason to look again.

use std::time::Duration;

use engine::{ClusterId, Containers, Event};
use futures::{StreamExt, stream::BoxStream};

use super::ends::Ends;

/// The engine tells of most changes; this is for those it does not, and for those nobody was there to hear.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// A container that dies sends several events in a row, and a hundred that are made send hundreds; one look serves them all.
const SETTLE: Duration = Duration::from_millis(500);

/// The engine's events.
#[derive(Default)]
pub struct Listener {
    events: Option<BoxStream<'static, Event>>,
}

impl Listener {
    /// Begins to listen, if that was not so or was lost. Called before a look, so that nothing happens unheard behind it.
    pub async fn begin(&mut self, engine: &dyn Containers, cluster: &ClusterId) {
        if self.events.is_none() {
            self.events = engine.events(cluster).await.ok();
        }
    }

    /// Waits until something has happened, or `due` or the usual time is over, and then until that has settled: at least as long
    /// as the last look took, so that looking takes no more than half of the time. Meanwhile `ends` hears everything.
    pub async fn wait(&mut self, ends: &mut Ends, looked_for: Duration, due: Option<Duration>) {
        if self.hear(ends, LOOK_EVERY.min(due.unwrap_or(LOOK_EVERY))).await {
            let settled = tokio::time::Instant::now() + SETTLE.max(looked_for);
            let left = || settled.saturating_duration_since(tokio::time::Instant::now());
            while !left().is_zero() && self.hear(ends, left()).await {}
        }
    }

    /// Hears one event, if there is one within this time.
    async fn hear(&mut self, ends: &mut Ends, within: Duration) -> bool {
        let next = async {
            match self.events.as_mut() {
                Some(events) => events.next().await,
                None => std::future::pending().await,
            }
        };
        match tokio::time::timeout(within, next).await {
            Ok(Some(event)) => {
                ends.hear(&event);
                true
            }
            // The stream has ended: the engine was lost, and a new stream is needed.
            Ok(None) => {
                self.events = None;
                tokio::time::sleep(SETTLE).await;
                false
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use common::id::TenantId;
    use engine::{News, Object};
    use futures::channel::mpsc;
    use time::OffsetDateTime;

    use super::*;

    fn event() -> Event {
        let (tenant, at) = (Some(TenantId::generate()), OffsetDateTime::UNIX_EPOCH);
        Event {
            tenant,
            object: Object::Container,
            name: "main".into(),
            at,
            news: News::Ended { exit_code: Some(1) },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_events_are_one_reason_to_look() {
        let (sender, receiver) = mpsc::unbounded();
        let mut listener = Listener { events: Some(receiver.boxed()) };
        for _ in 0..1_000 {
            sender.unbounded_send(event()).unwrap();
        }
        let (mut ends, begun) = (Ends::default(), tokio::time::Instant::now());
        listener.wait(&mut ends, Duration::ZERO, None).await;
        assert_eq!(begun.elapsed().as_millis(), SETTLE.as_millis());
        assert_eq!(ends.get("main").unwrap().exit_code, Some(1));
        listener.wait(&mut ends, Duration::ZERO, None).await;
        assert!(begun.elapsed() >= LOOK_EVERY, "nothing was left to hear");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_takes_long_is_not_repeated_at_once() {
        let (sender, receiver) = mpsc::unbounded();
        let mut listener = Listener { events: Some(receiver.boxed()) };
        sender.unbounded_send(event()).unwrap();
        let (looked_for, begun) = (Duration::from_secs(7), tokio::time::Instant::now());
        listener.wait(&mut Ends::default(), looked_for, None).await;
        assert_eq!(begun.elapsed().as_millis(), looked_for.as_millis());
    }

    #[tokio::test(start_paused = true)]
    async fn without_events_it_is_time_to_look_all_the_same() {
        let begun = tokio::time::Instant::now();
        Listener::default().wait(&mut Ends::default(), Duration::ZERO, None).await;
        assert_eq!(begun.elapsed().as_millis(), LOOK_EVERY.as_millis());
        let due = Duration::from_secs(3);
        Listener::default().wait(&mut Ends::default(), Duration::ZERO, Some(due)).await;
        assert_eq!(begun.elapsed().as_millis(), (LOOK_EVERY + due).as_millis());
    }
}
