//! From the record to the bus: at least once, in order, by whichever replica is first.
//!
//! An event is noted as published after the bus has it. Whoever dies in between leaves it to be published again, under
//! the same message id, which the stream drops.

use std::time::Duration;

use common::{
    bus::{BusError, Carried, Stopped},
    service::{Interval, Round},
};
use tokio::sync::watch;

use crate::{
    app::App,
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
pub fn keep_publishing(app: &App) {
    let sweep = Interval::new("relay", SWEEP).after_failure(SWEEP).failing("events wait in the record");
    app.tasks.every(sweep, Publishing { app: app.clone(), head: app.events.head(), begun: false });
}

struct Publishing {
    app: App,
    /// Moves when there is something to publish.
    head: watch::Receiver<Option<i64>>,
    begun: bool,
}

impl Round for Publishing {
    type Error = Trouble;

    async fn run(&mut self) -> Result<(), Trouble> {
        if !std::mem::replace(&mut self.begun, true) && self.app.bus.is_connected() {
            // At a first start it is not there yet. What is wrong with the bus is told by the first batch.
            drop(self.app.bus.ensure_stream(&wire::EVENTS).await);
        }
        publish(&self.app).await
    }

    async fn woken(&mut self) {
        if self.head.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

async fn publish(app: &App) -> Result<(), Trouble> {
    let published = publish_what_waits(app).await;
    metrics::events_lag(events::lag(&app.database).await?);
    published
}

async fn publish_what_waits(app: &App) -> Result<(), Trouble> {
    if !app.bus.is_connected() {
        return Err(BusError::Disconnected.into());
    }
    while publish_batch(app).await? {}
    Ok(())
}

/// Returns whether there may be more.
async fn publish_batch(app: &App) -> Result<bool, Trouble> {
    let Some(relaying) = Relaying::begin(&app.database, BATCH as u64).await? else { return Ok(false) };
    let messages: Vec<_> = relaying.events.iter().map(message).collect();
    let full = messages.len() == BATCH;
    let sent = app.bus.publish_in_order(&messages).await;
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
            app.bus.ensure_stream(&wire::EVENTS).await?;
            Err(error.into())
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
