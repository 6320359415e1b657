//! What instances counted, as the record keeps it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use common::{id::TenantId, tenant::ExecutionKind};
use n8n::executions::Metered;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

/// What an instance's count is read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of which copy, and how far, it was read. `None`: it never was.
    pub before: Option<(Uuid, OffsetDateTime)>,
    /// Whether tenants share it.
    pub is_shared: bool,
}

/// How to go on reading an instance's count.
pub async fn source(pool: &PgPool, instance: TenantId) -> Result<Source, sqlx::Error> {
    let question = "select u.source, u.read_until, t.purpose = 'shared'
                      from tenants t left join usage_sources u on u.instance_id = t.id where t.id = $1";
    let known: (Option<Uuid>, Option<OffsetDateTime>, bool) =
        sqlx::query_as(question).bind(instance).fetch_one(pool).await?;
    let (source, until, is_shared) = known;
    Ok(Source { before: source.zip(until), is_shared })
}

/// Whose project is whose in an n8n that is shared, those who are gone among them, and who moved out: what they did is read after them.
pub async fn members(pool: &PgPool, instance: TenantId) -> Result<HashMap<String, TenantId>, sqlx::Error> {
    let question =
        "select shared_project, id from tenants where shared_instance = $1 and shared_project is not null
         union select former_project, id from tenants where former_instance::text = $1";
    let rows: Vec<(String, TenantId)> =
        sqlx::query_as(question).bind(instance.uuid().to_string()).fetch_all(pool).await?;
    Ok(rows.into_iter().collect())
}

/// One tenant's hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub executions: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub canceled: u64,
    pub discarded: u64,
    pub run: Duration,
}

/// Whose hour of what.
pub type Hours = BTreeMap<(TenantId, OffsetDateTime, ExecutionKind), Counts>;

/// By whose project it is, or all for the one whose instance it is. What is nobody's is the platform's own, and counted for nobody.
pub fn by_tenant(metered: &Metered, whose: impl Fn(Option<&str>) -> Option<TenantId>) -> Hours {
    let mut hours = Hours::new();
    for hour in &metered.hours {
        let Some(tenant) = whose(hour.project.as_deref()) else { continue };
        let counts = hours.entry((tenant, hour.hour, hour.kind)).or_default();
        counts.executions += hour.executions;
        counts.succeeded += hour.succeeded;
        counts.failed += hour.failed;
        counts.canceled += hour.canceled;
        counts.discarded += hour.discarded;
        counts.run += hour.run;
    }
    hours
}

/// Puts them in the place of what was known of the same hours.
pub async fn count(
    pool: &PgPool,
    instance: TenantId,
    metered: &Metered,
    hours: &Hours,
) -> Result<(), sqlx::Error> {
    let column = |of: fn(&Counts) -> u64| -> Vec<i64> {
        hours.values().map(|counts| i64::try_from(of(counts)).unwrap_or(i64::MAX)).collect()
    };
    let tenants: Vec<Uuid> = hours.keys().map(|(tenant, _, _)| tenant.uuid()).collect();
    let begun: Vec<OffsetDateTime> = hours.keys().map(|(_, hour, _)| *hour).collect();
    let kinds: Vec<&str> = hours.keys().map(|(_, _, kind)| kind.as_str()).collect();
    let count = sqlx::query("select count_usage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    let count =
        count.bind(instance).bind(metered.source).bind(metered.until).bind(tenants).bind(begun).bind(kinds);
    let count = count.bind(column(|c| c.executions)).bind(column(|c| c.succeeded)).bind(column(|c| c.failed));
    let count = count.bind(column(|c| c.canceled)).bind(column(|c| c.discarded));
    let run = |counts: &Counts| u64::try_from(counts.run.as_millis()).unwrap_or(u64::MAX);
    count.bind(column(run)).execute(pool).await.map(drop)
}

/// Hours that began before this are forgotten; their months stay.
pub async fn forget(pool: &PgPool, before: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let mut forgotten = 0;
    for forget in [
        "delete from usage_rollups_hourly where hour < $1",
        "delete from usage_measures_hourly where hour < $1",
    ] {
        forgotten += sqlx::query(forget).bind(before).execute(pool).await?.rows_affected();
    }
    Ok(forgotten)
}
