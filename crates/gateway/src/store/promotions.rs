//! Promotions: tenants that share an n8n, moved into one of their own.

use common::{
    id::{BackupId, OperationId, PromotionId, TenantId},
    operations::Request as _,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, types::Json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;
use wire::kinds::TenantPromote;

use super::reader::{Reader, seen};
use crate::vocabulary;

/// One time that a tenant was to get an n8n of its own.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct Promotion {
    #[schema(value_type = String, example = "pro_0198c0de0000700080000000000000ee")]
    promotion_id: PromotionId,
    /// What does it.
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = vocabulary::PromotionStatus)]
    status: String,
    #[serde(with = "rfc3339")]
    asked_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// For how long callers waited, if they had to.
    freeze_seconds: Option<f64>,
    /// Until when what the tenant had in the shared n8n is kept, once it is in its own.
    #[serde(with = "rfc3339::option")]
    retire_at: Option<OffsetDateTime>,
    /// Since when that is gone.
    #[serde(with = "rfc3339::option")]
    retired_at: Option<OffsetDateTime>,
    /// Whether its executions go along.
    include_executions: bool,
    /// When it may begin, if that was said.
    #[schema(value_type = Option<String>, example = "2026-12-01T01:00:00Z/2026-12-01T03:00:00Z")]
    window: Option<String>,
    /// What was backed up before, once that was.
    #[schema(value_type = Option<String>, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: Option<BackupId>,
    /// Since when the tenant is back where it was.
    #[serde(with = "rfc3339::option")]
    rolled_back_at: Option<OffsetDateTime>,
    /// What it did in its own n8n until then, which was not carried back.
    #[schema(value_type = Option<PromotionChanges>)]
    changes: Option<Json<Value>>,
    /// Of its own n8n, before it went back: it has all of that.
    #[schema(value_type = Option<String>, example = "bak_0198c0de0000700080000000000000dd")]
    own_backup_id: Option<BackupId>,
}

/// What a tenant did in an n8n of its own.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionChanges {
    /// Things that were not there before; the first two hundred of each sort are named.
    made: Vec<PromotionThing>,
    /// Things that are other than before.
    changed: Vec<PromotionThing>,
    /// Things that are gone.
    removed: Vec<PromotionThing>,
    /// How many of these there are, named or not.
    things: u64,
    /// Executions that began there.
    executions: u64,
}

/// A workflow, a credential or a data table.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionThing {
    #[schema(value_type = vocabulary::ThingKind)]
    kind: String,
    id: String,
    name: String,
}

/// Whether there is a way back, and until when.
#[derive(Debug, FromRow)]
pub struct Moved {
    pub status: String,
    pub retire_at: Option<OffsetDateTime>,
    pub retired_at: Option<OffsetDateTime>,
}

/// One that is not over.
#[derive(Debug, FromRow)]
pub struct Open {
    pub id: PromotionId,
    /// What does it.
    pub operation_id: OperationId,
    pub executions: bool,
    /// The longest that callers wait.
    pub ttl_seconds: i32,
    pub asked_at: OffsetDateTime,
    /// When it may begin, as it was said.
    pub in_window: Option<String>,
}

/// How long promotions take. `None`: none has succeeded.
#[derive(Debug, FromRow)]
pub struct Usual {
    /// From being asked for, or from when it might begin, to the end.
    pub seconds: Option<f64>,
    /// Of those, in which callers wait.
    pub frozen_seconds: Option<f64>,
}

/// Which were the last of this tenant's, the newest first?
pub async fn latest(reader: &Reader<'_>, tenant: TenantId) -> Result<Vec<Promotion>, sqlx::Error> {
    let asked = reader.ask(concat!(
        "select p.id as promotion_id, p.operation_id, p.status, p.asked_at, p.ended_at,
                extract(epoch from p.thawed_at - p.frozen_at)::float8 as freeze_seconds, p.retire_at, p.retired_at,
                p.executions as include_executions, p.in_window as window, p.backup_id, p.rolled_back_at, p.changes - 'switched_off' - 'still_waiting' as changes,
                p.own_backup_id
           from promotions p where ",
        seen!("p.tenant_id"),
        " and p.tenant_id = $2 order by p.asked_at desc, p.id desc limit 50"
    ));
    asked.bind(tenant).all().await
}

/// What became of this one, if it is this tenant's?
pub async fn find(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    promotion: PromotionId,
) -> Result<Option<Moved>, sqlx::Error> {
    let find = "select status, retire_at, retired_at from promotions where id = $1 and tenant_id = $2";
    sqlx::query_as(find).bind(promotion).bind(tenant).fetch_optional(executor).await
}

/// Which of this tenant's is not over? Whoever asks has been found to see the tenant: what its operation is asked is not for owners.
pub async fn find_open(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Open>, sqlx::Error> {
    let open = "select p.id, p.operation_id, p.executions, p.ttl_seconds, p.asked_at, p.in_window
          from operations o join promotions p on p.operation_id = o.id
         where o.tenant_id = $1 and o.kind = $2 and o.status in ('queued', 'running', 'undoing', 'stuck')
         order by o.created_at desc limit 1";
    sqlx::query_as(open).bind(tenant).bind(TenantPromote::KIND.as_str()).fetch_optional(executor).await
}

/// How long did those take that succeeded lately, whoever's they were?
pub async fn usual(executor: impl PgExecutor<'_>) -> Result<Usual, sqlx::Error> {
    let usual = "select avg(extract(epoch from ended_at - greatest(asked_at, split_part(in_window, '/', 1)::timestamptz)))::float8 as seconds,
                        avg(extract(epoch from thawed_at - frozen_at))::float8 as frozen_seconds
          from (select asked_at, in_window, ended_at, frozen_at, thawed_at from promotions where status = 'succeeded'
                 order by ended_at desc limit 20) lately";
    sqlx::query_as(usual).fetch_one(executor).await
}
