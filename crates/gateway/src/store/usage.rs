//! How much tenants used.

use common::{id::TenantId, tenant::ExecutionKind};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    reader::{Reader, seen},
    word::Word,
};

/// One hour of one kind.
#[derive(Debug, FromRow)]
pub struct Hour {
    pub hour: OffsetDateTime,
    #[sqlx(try_from = "String")]
    pub kind: Word<ExecutionKind>,
    pub executions: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub canceled: i64,
    pub discarded: i64,
    pub run_ms: i64,
}

/// The hours that begin within this, as far as anything ran, in their order.
pub async fn hours(
    reader: &Reader<'_>,
    tenant: TenantId,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Vec<Hour>, sqlx::Error> {
    let hours = reader.ask(concat!(
        "select u.hour, u.kind, sum(u.executions)::bigint as executions, sum(u.succeeded)::bigint as succeeded,
                sum(u.failed)::bigint as failed, sum(u.canceled)::bigint as canceled, sum(u.discarded)::bigint as discarded,
                sum(u.run_ms)::bigint as run_ms
           from usage_rollups_hourly u where u.tenant_id = $2 and u.hour >= $3 and u.hour < $4 and ",
        seen!("u.tenant_id"),
        " group by u.hour, u.kind order by u.hour, u.kind"
    ));
    hours.bind(tenant).bind(from).bind(until).all().await
}

/// What was used of the rest in one hour.
#[derive(Debug, FromRow)]
pub struct Measured {
    pub hour: OffsetDateTime,
    pub api_calls: i64,
    /// The most that was seen. `None`: nobody measured.
    pub storage_bytes: Option<i64>,
}

/// The hours that begin within this, as far as anything was measured, in their order.
pub async fn measured(
    reader: &Reader<'_>,
    tenant: TenantId,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Vec<Measured>, sqlx::Error> {
    let hours = reader.ask(concat!(
        "select m.hour, m.api_calls, m.storage_bytes from usage_measures_hourly m
          where m.tenant_id = $2 and m.hour >= $3 and m.hour < $4 and ",
        seen!("m.tenant_id"),
        " order by m.hour"
    ));
    hours.bind(tenant).bind(from).bind(until).all().await
}
