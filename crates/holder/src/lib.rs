#![doc = include_str!("../README.md")]

pub mod accept;
pub mod bounds;
pub mod call;
mod config;
mod deliver;
mod metrics;
mod oldest;
mod send;
pub mod store;
mod verdict;
mod waiters;

use std::{sync::Arc, time::Duration};

use axum::Router;
use common::service::{Interval, Shown, Tasks};
use edge::EdgeToken;
use sqlx::PgPool;
use tokio::sync::Semaphore;

pub use config::Config;

use accept::Holder;
use bounds::{Bounds, Limits};
use deliver::Deliverer;
use oldest::Oldest;
use send::Sender;
use waiters::Waiters;

/// What is held is counted anew.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// Callers whose call was delivered by another gateway are told.
const TELL_EVERY: Duration = Duration::from_millis(200);
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// Nobody waits any more.
const ANSWERS_KEPT: Duration = Duration::from_secs(300);
/// A receipt says what became of its call for a week.
const RECEIPTS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A holder that has begun.
pub struct Started {
    /// The port on which calls are taken.
    pub port: Router,
    /// What is to be told of it beside the metrics of everybody.
    pub shown: Shown,
}

/// Begins to deliver; `None` where nothing is held.
pub fn start(
    config: &Config,
    (record, tasks): (&PgPool, &Tasks),
    token: EdgeToken,
) -> Result<Option<Started>, reqwest::Error> {
    metrics::describe();
    let Some(edge_url) = config.edge_url.clone() else { return Ok(None) };
    let (sender, waiters) = (Sender::through(edge_url)?, Waiters::default());
    let holder = Arc::new(Holder {
        record: record.clone(),
        token,
        bounds: Bounds::new(Limits::default()),
        waiters: waiters.clone(),
        sender: sender.clone(),
        memory: Semaphore::new(accept::MEMORY_MIB),
        waits: Duration::from_secs(config.wait_seconds.get().into()),
    });
    let deliverer = Deliverer { record: record.clone(), sender, waiters };
    tasks.spawn("holder", deliverer.run(tasks.stopping()));
    let oldest = Oldest::default();
    count(&holder, &oldest, tasks);
    tell(&holder, tasks);
    tidy(record, tasks, Duration::from_secs(60 * 60 * u64::from(config.keep_hours.get())));
    let shown: Shown = Arc::new(move || oldest.render());
    Ok(Some(Started { port: accept::router(holder), shown }))
}

fn count(holder: &Arc<Holder>, oldest: &Oldest, tasks: &Tasks) {
    let (holder, oldest) = (holder.clone(), oldest.clone());
    let counting = Interval::new("held calls", COUNT_EVERY).failing("held calls are counted later");
    tasks.every(counting, move || {
        let (holder, oldest) = (holder.clone(), oldest.clone());
        async move {
            let held = store::held(&holder.record).await?;
            oldest.put(if held.is_empty() { Vec::new() } else { store::oldest(&holder.record).await? });
            metrics::held(held.values().map(|held| held.calls).sum());
            holder.bounds.put(held);
            Ok::<_, sqlx::Error>(())
        }
    });
}

fn tell(holder: &Arc<Holder>, tasks: &Tasks) {
    let holder = holder.clone();
    let telling = Interval::new("callers who wait", TELL_EVERY).failing("callers who wait are told later");
    tasks.every(telling, move || {
        let holder = holder.clone();
        async move {
            let waiting = holder.waiters.receipts();
            if !waiting.is_empty() {
                for (receipt, end) in store::ended(&holder.record, &waiting).await? {
                    holder.waiters.tell(receipt, end);
                }
            }
            Ok::<_, sqlx::Error>(())
        }
    });
}

fn tidy(record: &PgPool, tasks: &Tasks, longest: Duration) {
    let record = record.clone();
    let tidying = Interval::new("ended calls", TIDY_EVERY).spread().failing("held calls are tidied later");
    tasks.every(tidying, move || {
        let record = record.clone();
        async move {
            metrics::given_up(store::give_up(&record, longest).await?);
            store::forget(&record, (ANSWERS_KEPT, RECEIPTS_KEPT)).await
        }
    });
}
