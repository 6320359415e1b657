//! From the record to the bus: at least once, in order, by whichever replica is first.
//!
//! An event is noted as published after the bus has it. Whoever dies in between leaves it to be published again, under
//! the same message id, which the stream drops.

use std::time::{Duration, Instant};

use common::{
    bus::{BusError, Carried},
    error::chain,
};

use crate::{
    app::App,
    metrics,
    store::events::{self, Event, Relaying},
};

/// So many before it is noted how far they went.
const BATCH: u64 = 100;
/// A transaction is open meanwhile; the server ends those that say nothing for half a minute.
const AT_MOST: Duration = Duration::from_secs(5);
/// What another replica left behind, or the bus did not take, waits this long.
const SWEEP: Duration = Duration::from_secs(1);

/// Why publishing did not go on.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the record did not answer")]
    Record(#[from] sqlx::Error),
    #[error("the bus did not take an event")]
    Bus(#[from] BusError),
}

/// Publishes until the process stops.
pub async fn keep_publishing(app: App) {
    let stopping = app.tasks.stopping();
    let mut head = app.events.head();
    let mut trouble = false;
    while !stopping.is_cancelled() {
        match stopping.run_until_cancelled(publish(&app)).await {
            None => break,
            Some(Ok(())) => trouble = false,
            Some(Err(error)) => {
                if !std::mem::replace(&mut trouble, true) {
                    tracing::warn!(error = chain(&error), "events wait in the record");
                }
                head.mark_unchanged();
            }
        }
        // After trouble only the time helps.
        let news = async {
            if trouble || head.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        stopping.run_until_cancelled(tokio::time::timeout(SWEEP, news)).await.map(Result::ok);
    }
}

async fn publish(app: &App) -> Result<(), Stopped> {
    let published = publish_what_waits(app).await;
    metrics::events_lag(events::lag(&app.database).await?);
    published
}

async fn publish_what_waits(app: &App) -> Result<(), Stopped> {
    if !app.bus.is_connected() {
        return Err(BusError::Disconnected.into());
    }
    while publish_batch(app).await? == BATCH as usize {}
    Ok(())
}

async fn publish_batch(app: &App) -> Result<usize, Stopped> {
    let Some(relaying) = Relaying::begin(&app.database, BATCH).await? else { return Ok(0) };
    let (begun, mut last, mut count, mut refused) = (Instant::now(), None, 0, None);
    // One after the other: an event that is refused must not be overtaken by the next.
    for event in &relaying.events {
        match publish_one(app, event).await {
            Ok(()) => (last, count) = (Some(event.id), count + 1),
            Err(error) => refused = Some(error),
        }
        if refused.is_some() || begun.elapsed() > AT_MOST {
            break;
        }
    }
    if let Some(last) = last {
        relaying.published(last).await?;
        metrics::events_relayed(count);
    }
    match refused {
        Some(error) => {
            // The stream may not be there yet, or not any more.
            app.bus.ensure_stream(&wire::EVENTS).await?;
            Err(error.into())
        }
        None => Ok(count),
    }
}

async fn publish_one(app: &App, event: &Event) -> Result<(), BusError> {
    let message = wire::Event {
        id: event.id,
        at_unix_micros: i64::try_from(event.at.unix_timestamp_nanos() / 1_000).unwrap_or_default(),
        kind: event.kind.clone(),
        tenant: event.tenant_id,
        operation: event.operation_id,
        data_json: event.data.to_string(),
    };
    let carried = Carried { correlation_id: event.correlation_id.clone(), ..Carried::default() };
    app.bus.publish(&message, &carried).await
}
