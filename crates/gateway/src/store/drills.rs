//! Restore drills.

use common::id::{BackupId, DrillId, OperationId, TenantId};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, types::Json};
use time::OffsetDateTime;

use super::reader::{Reader, seen};
use crate::http::{cursor::Page, request::request};

/// One time that a backup was tried out.
#[derive(Debug, FromRow)]
pub struct Drill {
    pub id: DrillId,
    pub tenant_id: TenantId,
    pub backup_id: Option<BackupId>,
    pub operation_id: Option<OperationId>,
    pub drilled_at: OffsetDateTime,
    pub status: String,
    pub ended_at: Option<OffsetDateTime>,
    pub issues: Json<Vec<String>>,
    pub rto_seconds: Option<f64>,
    pub data_integrity: Option<String>,
    pub found: Option<Value>,
}

request! {
    /// Which drills to list.
    pub struct Filter: Request {
        ..page: Page,
    }
}

/// Under which name is this tenant served, while it is there?
pub async fn subdomain(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
) -> Result<Option<String>, sqlx::Error> {
    let find =
        "select subdomain from tenants where id = $1 and status in ('active', 'suspended', 'migrating')";
    sqlx::query_scalar(find).bind(tenant).fetch_optional(executor).await
}

/// Was this one accepted?
pub async fn is_known(executor: impl PgExecutor<'_>, drill: DrillId) -> Result<bool, sqlx::Error> {
    let known = "select exists (select from restore_drills where id = $1)";
    sqlx::query_scalar(known).bind(drill).fetch_one(executor).await
}

/// Is one of this tenant held now?
pub async fn is_held(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<bool, sqlx::Error> {
    let held = "select exists (select from restore_drills where tenant_id = $1 and status = 'running')";
    sqlx::query_scalar(held).bind(tenant).fetch_one(executor).await
}

/// Which tenants whose backups can be restored have no schedule of drills?
pub async fn without_schedule(executor: impl PgExecutor<'_>) -> Result<Vec<TenantId>, sqlx::Error> {
    let without = "select t.id from tenants t
         where t.purpose = 'customer' and t.status in ('active', 'suspended')
           and not exists (select from external_n8ns x where x.tenant_id::text = t.shared_instance)
           and not exists (select from schedules s
                            where s.name = 'restore.drill.ten_' || replace(t.id::text, '-', '') and s.retired_at is null)
         order by t.id limit 1000";
    sqlx::query_scalar(without).fetch_all(executor).await
}

/// Which of this tenant's come next, the newest first?
pub async fn page(reader: &Reader<'_>, tenant: TenantId, filter: &Filter) -> Result<Vec<Drill>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let asked = reader.ask(concat!(
        "select d.id, d.tenant_id, d.backup_id, d.operation_id, d.drilled_at, d.status, d.ended_at, d.issues, d.rto_seconds, d.data_integrity,
                d.found
           from restore_drills d where ",
        seen!("d.tenant_id"),
        " and d.tenant_id = $2 and ($3::timestamptz is null or (d.drilled_at, d.id) < ($3, $4))
          order by d.drilled_at desc, d.id desc limit $5"
    ));
    asked.bind(tenant).bind(at).bind(id).bind(filter.page.rows()).all().await
}
