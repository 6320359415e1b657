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

/// Whose use of which time is asked for.
#[derive(Debug)]
pub struct Asked {
    pub tenant: TenantId,
    pub from: OffsetDateTime,
    pub until: OffsetDateTime,
    /// From here on by hours; what is before by months, each as if it were its first hour.
    pub hours_from: OffsetDateTime,
}

/// `$1` is the reader's scope.
macro_rules! within {
    ($hour:literal) => {
        concat!($hour, " >= greatest($3, $5) and ", $hour, " < $4")
    };
}

macro_rules! months_before {
    ($month:literal) => {
        concat!(
            $month,
            "::timestamp at time zone 'UTC' >= $3 and ",
            $month,
            "::timestamp at time zone 'UTC' < least($4, $5)"
        )
    };
}

/// The hours that begin within this, as far as anything ran, in their order.
pub async fn hours(reader: &Reader<'_>, asked: &Asked) -> Result<Vec<Hour>, sqlx::Error> {
    let hours = reader.ask(concat!(
        "select u.hour, u.kind, sum(u.executions)::bigint as executions, sum(u.succeeded)::bigint as succeeded,
                sum(u.failed)::bigint as failed, sum(u.canceled)::bigint as canceled, sum(u.discarded)::bigint as discarded,
                sum(u.run_ms)::bigint as run_ms
           from usage_rollups_hourly u where u.tenant_id = $2 and ",
        within!("u.hour"),
        " and ",
        seen!("u.tenant_id"),
        " group by u.hour, u.kind
         union all
         select m.month::timestamp at time zone 'UTC', m.kind, m.executions, m.succeeded, m.failed, m.canceled, m.discarded, m.run_ms
           from usage_rollups_monthly m where m.tenant_id = $2 and ",
        months_before!("m.month"),
        " and ",
        seen!("m.tenant_id"),
        " order by 1, 2"
    ));
    hours.bind(asked.tenant).bind(asked.from).bind(asked.until).bind(asked.hours_from).all().await
}

/// What was used of the rest in one hour, or in a month that is told like one.
#[derive(Debug, FromRow)]
pub struct Measured {
    pub hour: OffsetDateTime,
    pub api_calls: i64,
    /// In how many hours it was measured.
    pub storage_hours: i64,
    /// What was seen in each of them, added up.
    pub storage_byte_hours: i64,
    /// The most that was seen. `None`: nobody measured, or nobody knows any more.
    pub storage_bytes_highest: Option<i64>,
}

/// The hours that begin within this, as far as anything was measured, in their order.
pub async fn measured(reader: &Reader<'_>, asked: &Asked) -> Result<Vec<Measured>, sqlx::Error> {
    let hours = reader.ask(concat!(
        "select h.hour, h.api_calls, (h.storage_bytes is not null)::integer::bigint as storage_hours,
                coalesce(h.storage_bytes, 0) as storage_byte_hours, h.storage_bytes as storage_bytes_highest
           from usage_measures_hourly h where h.tenant_id = $2 and ",
        within!("h.hour"),
        " and ",
        seen!("h.tenant_id"),
        " union all
         select m.month::timestamp at time zone 'UTC', m.api_calls, m.storage_hours, m.storage_byte_hours::bigint, null
           from usage_measures_monthly m where m.tenant_id = $2 and ",
        months_before!("m.month"),
        " and ",
        seen!("m.tenant_id"),
        " order by 1"
    ));
    hours.bind(asked.tenant).bind(asked.from).bind(asked.until).bind(asked.hours_from).all().await
}
