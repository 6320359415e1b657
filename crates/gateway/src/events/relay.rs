//! From the record to the bus: at least once, in order, by whichever replica is first.
//!
//! An event is noted as published after the bus has it. Whoever dies in between leaves it to be published again, under
//! the same message id, which the stream drops.

use std::{sync::Arc, time::Duration};

use common::{
    bus::{Bus, BusError, Carried, Stopped},
    service::{Interval, Round},
};
use sqlx::PgPool;
use tokio::sync::watch;

use super::Events;
use crate::{
    metrics,
    store::events::{self, Event, Relaying},
};

/// So many before it is noted how far they went; some milliseconds, while a transaction is open.
const BATCH: usize = 100;
/// What another replica left behind, or the bus did not take, waits this long.
const SWEEP: Duration = Duration::from_secs(1);

/// Why publishing did not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the record did not answer")]
    Record(#[from] sqlx::Error),
    #[error("the bus did not take an event")]
    Bus(#[from] BusError),
}

/// Publishes until the process stops.
pub fn keep_publishing(events: &Arc<Events>) {
    let sweep = Interval::new("relay", SWEEP).after_failure(SWEEP).failing("events wait in the record");
    let publishing = Publishing {
        database: events.database.clone(),
        bus: events.bus.clone(),
        head: events.hub.head(),
        begun: false,
    };
    events.tasks.every(sweep, publishing);
}

struct Publishing {
    database: PgPool,
    bus: Bus,
    /// Moves when there is something to publish.
    head: watch::Receiver<Option<i64>>,
    begun: bool,
}

impl Round for Publishing {
    type Error = Trouble;

    async fn run(&mut self) -> Result<(), Trouble> {
        if !std::mem::replace(&mut self.begun, true) && self.bus.is_connected() {
            // At a first start it is not there yet. What is wrong with the bus is told by the first batch.
            drop(self.bus.ensure_stream(&wire::EVENTS).await);
        }
        self.publish().await
    }

    async fn woken(&mut self) {
        if self.head.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

impl Publishing {
    async fn publish(&self) -> Result<(), Trouble> {
        let published = self.publish_what_waits().await;
        metrics::events_lag(events::lag(&self.database).await?);
        published
    }

    async fn publish_what_waits(&self) -> Result<(), Trouble> {
        if !self.bus.is_connected() {
            return Err(BusError::Disconnected.into());
        }
        while self.publish_batch().await? {}
        Ok(())
    }

    /// Returns whether there may be more.
    async fn publish_batch(&self) -> Result<bool, Trouble> {
        let Some(relaying) = Relaying::begin(&self.database, BATCH as u64).await? else { return Ok(false) };
        let messages: Vec<_> = relaying.events.iter().map(message).collect();
        let full = messages.len() == BATCH;
        let sent = self.bus.publish_in_order(&messages).await;
        if let Some((last, _)) = messages[..sent.count].last() {
            relaying.published(last.id).await?;
            metrics::events_relayed(sent.count);
        }
        match sent.stopped {
            None => Ok(full),
            // Another record's events share the stream; ours go on after them.
            Some(Stopped::Interrupted) => Ok(true),
            Some(Stopped::Failed(error)) => {
                // The stream may not be there yet, or not any more.
                self.bus.ensure_stream(&wire::EVENTS).await?;
                Err(error.into())
            }
        }
    }
}

fn message(event: &Event) -> (wire::Event, Carried) {
    let message = wire::Event {
        id: event.id,
        at_unix_micros: i64::try_from(event.at.unix_timestamp_nanos() / 1_000).unwrap_or_default(),
        kind: event.kind.clone(),
        tenant: event.tenant_id,
        operation: event.operation_id,
        data_json: event.data.to_string(),
    };
    (message, Carried { correlation_id: event.correlation_id.clone(), ..Carried::default() })
}
