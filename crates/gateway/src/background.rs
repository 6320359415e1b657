//! What a gateway does beside answering: telling events, sending dead letters again, and every few seconds chaining the audit log and
//! counting. Every replica does it; none of it is wrong when done twice. What one replica is enough for is a schedule (`jobs`).

use std::{collections::BTreeMap, time::Duration};

use common::{
    dead_letters::Reason,
    service::{Interval, Tasks},
    tenant::{Mode, TenantStatus},
};
use sqlx::PgPool;

use crate::{
    app::App,
    jobs::drills::Quarterly,
    metrics, replays,
    store::{dead_letters, operations, plans, room, schedules, tenants},
    vocabulary::CONSUMERS,
};

/// As often as Prometheus usually asks.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// The newest entries can be tampered with unseen for so long.
const SEAL_EVERY: Duration = Duration::from_secs(2);

/// Starts all of it.
pub fn start(app: &App) {
    seal(&app.tasks, app.database.clone());
    count_regularly(&app.tasks, app.database.clone());
    start_events(app);
    start_replays(app);
    watch_pressure(app);
    // Where backups are kept nowhere, there is nothing to try out.
    if app.backup_bucket.is_some() {
        Quarterly::new(app.database.clone()).spawn(&app.tasks);
    }
}

/// Begins to tell live events.
pub fn start_events(app: &App) {
    app.events.start();
}

/// Begins to send dead letters again.
pub fn start_replays(app: &App) {
    replays::start(&app.tasks, app.database.clone(), app.bus.clone(), app.replays.clone());
}

/// Begins to look at how much waits.
pub fn watch_pressure(app: &App) {
    app.pressure.watch(&app.tasks, &app.database);
}

fn seal(tasks: &Tasks, database: PgPool) {
    let seal = Interval::new("seal", SEAL_EVERY).spread().failing("the audit log is sealed later");
    tasks.every(seal, move || {
        let database = database.clone();
        async move { common::audit::seal(&database).await.map(drop) }
    });
}

fn count_regularly(tasks: &Tasks, database: PgPool) {
    let counting = Interval::new("count", COUNT_EVERY).spread().failing("what there is is counted later");
    tasks.every(counting, move || {
        let database = database.clone();
        async move { count(&database).await }
    });
}

/// Tells Prometheus what there is, also where there is nothing any more. What cannot be counted keeps nobody from counting the rest.
async fn count(database: &PgPool) -> Result<(), sqlx::Error> {
    let counted = [
        count_tenants(database).await,
        room::shared_places(database)
            .await
            .map(|(tenants, capacity)| metrics::shared_places(tenants, capacity)),
        count_dead_letters(database).await,
        count_stuck(database).await,
        schedules::audit_chain_is_broken(database).await.map(metrics::audit_chain_broken),
    ];
    counted.into_iter().collect()
}

/// How many there are of each sort.
async fn count_tenants(database: &PgPool) -> Result<(), sqlx::Error> {
    let counts = tenants::counts(database).await?.into_iter();
    let counts: BTreeMap<_, _> =
        counts.map(|count| ((count.mode, count.status, count.plan), count.tenants)).collect();
    let plans = plans::all(database).await?;
    for mode in Mode::ALL {
        for status in TenantStatus::ALL {
            for plan in &plans {
                let sort = ((*mode).to_owned(), (*status).to_owned(), plan.name.clone());
                metrics::tenants(mode, status, &plan.name, counts.get(&sort).copied().unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// Each of these waits for a decision.
async fn count_dead_letters(database: &PgPool) -> Result<(), sqlx::Error> {
    let waiting = dead_letters::waiting(database).await?.into_iter();
    let waiting: BTreeMap<_, _> =
        waiting.map(|(service, reason, count)| ((service, reason), count)).collect();
    for service in CONSUMERS {
        for reason in Reason::ALL.map(Reason::as_str) {
            let count = waiting.get(&(service.to_owned(), reason.to_owned())).copied();
            metrics::dead_letters(service, reason, count.unwrap_or_default());
        }
    }
    Ok(())
}

/// Each of these waits for a person.
async fn count_stuck(database: &PgPool) -> Result<(), sqlx::Error> {
    let stuck: BTreeMap<_, _> = operations::stuck(database).await?.into_iter().collect();
    for kind in wire::kinds::ALL {
        metrics::stuck(kind.name, stuck.get(kind.name).copied().unwrap_or_default());
    }
    Ok(())
}
