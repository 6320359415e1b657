//! Failovers: tenants that fell back from an n8n of their own into one that is shared.

use common::id::{BackupId, OperationId, TenantId};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, types::Json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::reader::{Reader, seen};
use crate::vocabulary;

/// One time that a tenant was to fall back.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct Failover {
    /// What does it, and what it is called by.
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = vocabulary::FailoverStatus)]
    status: String,
    #[serde(with = "rfc3339")]
    asked_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// For how long callers waited, if they had to.
    held_seconds: Option<f64>,
    /// What it was brought back from, once that is known.
    #[schema(value_type = Option<vocabulary::FailoverSource>)]
    source: Option<String>,
    /// The backup, if it was one.
    #[schema(value_type = Option<String>, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: Option<BackupId>,
    /// How much came.
    workflows: Option<i64>,
    credentials: Option<i64>,
    /// What did not come along, or does not work in a shared n8n.
    #[schema(value_type = Option<Vec<Missing>>)]
    missing: Option<Json<Value>>,
    /// Until when what is left of its own n8n is kept.
    #[serde(with = "rfc3339::option")]
    retire_at: Option<OffsetDateTime>,
    /// Since when that is gone.
    #[serde(with = "rfc3339::option")]
    retired_at: Option<OffsetDateTime>,
}

/// What is not there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Missing {
    #[schema(example = "1204 executions")]
    what: String,
    #[schema(example = "a shared n8n numbers executions anew, so they stay where they are")]
    why: String,
}

/// Which were the last of this tenant's, the newest first?
pub async fn latest(reader: &Reader<'_>, tenant: TenantId) -> Result<Vec<Failover>, sqlx::Error> {
    let asked = reader.ask(concat!(
        "select f.operation_id, f.status, f.asked_at, f.ended_at, extract(epoch from f.ended_at - f.held_at)::float8 as held_seconds,
                f.source, f.backup_id, f.workflows, f.credentials, f.missing, f.retire_at, f.retired_at
           from failovers f where ",
        seen!("f.tenant_id"),
        " and f.tenant_id = $2 order by f.asked_at desc, f.operation_id desc limit 50"
    ));
    asked.bind(tenant).all().await
}

/// Does an n8n that the platform runs in the tenant's cluster take another one? By the time that it is asked for this may have changed: the place
/// is taken then (`place_for_failover`).
pub async fn has_place(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let has =
        "select exists (select from tenants t join shared_n8ns(null, '{}') s on s.cluster_id = t.cluster_id
                where t.id = $1 and s.ready and s.tenants < s.capacity
                  and not exists (select from external_n8ns x where x.tenant_id = s.instance))";
    sqlx::query_scalar(has).bind(tenant).fetch_one(executor).await
}
