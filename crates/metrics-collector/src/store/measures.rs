//! Calls and storage, as the record keeps them.

use common::cluster::ClusterId;
use edge::calls::{Reading, Way};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::calls::{Found, Known};

/// What the record knows of a cluster's edge before another reading.
#[derive(Debug, Clone)]
pub struct Before {
    /// How many readings were counted.
    pub readings: i64,
    /// The record's clock.
    pub now: OffsetDateTime,
    /// What the last one said, if there was one.
    pub known: Option<Known>,
}

/// What is known. To be asked before the edge is.
pub async fn before(pool: &PgPool, cluster: &ClusterId) -> Result<Before, sqlx::Error> {
    let last = "select now(), r.readings, r.started_at, r.read_at
                  from (select) as one left join edge_readings r on r.cluster_id = $1";
    let last = sqlx::query_as(last).bind(cluster.as_str()).fetch_one(pool).await?;
    let (now, readings, started_at, read_at): (_, Option<i64>, Option<_>, Option<_>) = last;
    // After it: what another one counts in between is noticed by the number of readings.
    let counters = "select router, service, calls from edge_counters where cluster_id = $1";
    let counters: Vec<(String, String, i64)> =
        sqlx::query_as(counters).bind(cluster.as_str()).fetch_all(pool).await?;
    let calls = counters.into_iter().map(|(router, service, calls)| (Way { router, service }, number(calls)));
    let calls = calls.collect();
    let known = started_at.zip(read_at).map(|(started_at, read_at)| Known { started_at, read_at, calls });
    Ok(Before { readings: readings.unwrap_or_default(), now, known })
}

/// Adds what was found. False, and nothing is done, if another reading was counted since `before` was asked for.
pub async fn count(
    pool: &PgPool,
    cluster: &ClusterId,
    before: &Before,
    reading: &Reading,
    found: &Found,
) -> Result<bool, sqlx::Error> {
    let routers = |ways: &[&Way]| ways.iter().map(|way| way.router.clone()).collect::<Vec<_>>();
    let services = |ways: &[&Way]| ways.iter().map(|way| way.service.clone()).collect::<Vec<_>>();
    let (changed, gone): (Vec<_>, Vec<_>) = (found.changed.keys().collect(), found.gone.iter().collect());
    let hosts: Vec<&str> = found.hours.keys().map(|(host, _)| host.as_str()).collect();
    let hours: Vec<OffsetDateTime> = found.hours.keys().map(|(_, hour)| *hour).collect();
    let count = sqlx::query_scalar("select count_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    let count = count.bind(cluster.as_str()).bind(before.readings).bind(reading.started_at).bind(before.now);
    let count = count.bind(routers(&changed)).bind(services(&changed)).bind(written(found.changed.values()));
    let count = count.bind(routers(&gone)).bind(services(&gone));
    count.bind(hosts).bind(hours).bind(written(found.hours.values())).fetch_one(pool).await
}

/// Puts the sizes that the last samples tell into the present hour.
pub async fn measure_storage(pool: &PgPool, cluster: &ClusterId) -> Result<(), sqlx::Error> {
    sqlx::query("select measure_storage($1)").bind(cluster.as_str()).execute(pool).await.map(drop)
}

fn written<'a>(counts: impl Iterator<Item = &'a u64>) -> Vec<i64> {
    counts.map(|count| i64::try_from(*count).unwrap_or(i64::MAX)).collect()
}

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
