//! One reader a process, and its clients.

use std::{sync::Arc, time::Duration};

use common::service::Interval;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use super::Events;
use crate::{
    metrics,
    problem::{Code, Problem},
    store::events::{self, BATCH, Event},
};

/// Nobody notices a tenth of a second; the record does not notice ten small questions in one.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// When the record is away.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);
/// How far a client may fall behind before it is cut off.
const QUEUE: usize = 1_024;
/// Clients that were all cut off at once come back all at once; the API needs the record too.
const REPLAYS_AT_ONCE: usize = 4;

/// An event, written out once for all clients.
#[derive(Debug)]
pub struct Notice {
    pub event: Event,
    pub json: String,
}

impl Notice {
    pub fn of(event: Event) -> Self {
        let json = serde_json::to_string(&event).unwrap_or_default();
        Self { event, json }
    }

    /// Whether it is the end of its operation.
    pub fn is_end(&self) -> bool {
        self.event.data.get("ended").and_then(serde_json::Value::as_bool).unwrap_or_default()
    }
}

/// What all clients of this process are told.
#[derive(Debug, Clone)]
pub enum Told {
    Event(Arc<Notice>),
    /// The record was put back to an earlier moment.
    Rewound,
}

/// Where events go out to the clients of this process.
#[derive(Debug)]
pub struct Hub {
    told: broadcast::Sender<Told>,
    /// The last event handed out. None before the record was read for the first time.
    head: watch::Sender<Option<i64>>,
    seats: Arc<Semaphore>,
    pub replays: Semaphore,
}

/// A client's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        metrics::event_client(-1.0);
    }
}

impl Hub {
    /// With room for so many clients.
    pub fn new(clients: usize) -> Self {
        Self {
            told: broadcast::channel(QUEUE).0,
            head: watch::channel(None).0,
            seats: Arc::new(Semaphore::new(clients)),
            replays: Semaphore::new(REPLAYS_AT_ONCE),
        }
    }

    /// A place for one more client.
    pub fn seat(&self) -> Result<Seat, Problem> {
        let full = "As many clients follow events here as can. Try again later.";
        let permit = Arc::clone(&self.seats).try_acquire_owned();
        let permit = permit.map_err(|_| Problem::new(Code::Unavailable).detail(full))?;
        metrics::event_client(1.0);
        Ok(Seat { _permit: permit })
    }

    /// Everything that is told from now on, and the event before it.
    pub fn subscribe(&self) -> Result<(broadcast::Receiver<Told>, i64), Problem> {
        // In this order, because the head moves before its event is told: none can be between the two.
        let told = self.told.subscribe();
        let head = *self.head.borrow();
        Ok((told, head.ok_or_else(|| Problem::new(Code::Unavailable))?))
    }

    /// Changes whenever something was told.
    pub fn head(&self) -> watch::Receiver<Option<i64>> {
        self.head.subscribe()
    }

    fn tell(&self, event: Event) {
        self.head.send_replace(Some(event.id));
        // Without clients there is nobody to tell.
        let _ = self.told.send(Told::Event(Arc::new(Notice::of(event))));
    }

    /// Goes on from an earlier event, with clients that have seen none of what follows.
    fn rewind(&self, latest: i64) {
        self.head.send_replace(Some(latest));
        let _ = self.told.send(Told::Rewound);
    }
}

/// Arranges what is new, reads it and tells it, until the process stops.
pub fn keep_up(events: &Arc<Events>) {
    let often =
        Interval::new("events", LOOK_EVERY).after_failure(TROUBLE_PAUSE).failing("events are told later");
    let looking = Arc::clone(events);
    events.tasks.every(often, move || {
        let events = Arc::clone(&looking);
        async move { look(&events.hub, &events.database).await }
    });
}

async fn look(hub: &Hub, database: &PgPool) -> Result<(), sqlx::Error> {
    let mut log_range = events::log_range(database).await?;
    let known = *hub.head.borrow();
    let Some(mut head) = known else {
        hub.head.send_replace(Some(log_range.latest));
        return Ok(());
    };
    if log_range.latest < head {
        tracing::warn!(head, latest = log_range.latest, "the record was put back to an earlier moment");
        hub.rewind(log_range.latest);
        head = log_range.latest;
    }
    if log_range.waiting {
        while events::arrange(database).await? == BATCH {}
        log_range = events::log_range(database).await?;
    }
    while log_range.latest > head {
        let news = events::all_after(database, head, BATCH).await?;
        // Told and forgotten in between: there is nothing to read.
        let Some(last) = news.last().map(|event| event.id) else { break };
        head = last;
        for event in news {
            hub.tell(event);
            // A batch is longer than some readers' patience with a queue: let them run.
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}
