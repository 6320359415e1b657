//! Sandboxes, as far as the one who asks may see them: those of the tenants that they see.

use common::{
    id::{BackupId, OperationId, TenantId},
    tenant::TenantStatus,
};
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

use super::{
    reader::{Reader, seen},
    word::Word,
};
use crate::http::cursor::Page;

/// A tenant's backup, restored beside it.
#[derive(Debug, Clone, FromRow)]
pub struct Sandbox {
    pub id: TenantId,
    pub name: String,
    pub of_tenant: TenantId,
    pub backup_id: BackupId,
    /// What makes it.
    pub operation_id: OperationId,
    #[sqlx(try_from = "String")]
    pub status: Word<TenantStatus>,
    pub failure: Option<String>,
    pub n8n_version: String,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// Every question about them begins like this. Those that are gone are nowhere.
macro_rules! sandboxes {
    ($rest:literal) => {
        concat!(
            "select s.tenant_id as id, s.name, s.of_tenant, s.backup_id, s.operation_id, w.status, w.failure, w.n8n_version,
                    s.created_at, s.expires_at
               from sandboxes s join sandbox_sightings w on w.sandbox = s.tenant_id
              where w.status <> 'deleted' and ",
            seen!("s.of_tenant"),
            $rest
        )
    };
}

/// Which come next, the newest first?
pub async fn page(
    reader: &Reader<'_>,
    tenant: Option<TenantId>,
    page: &Page,
) -> Result<Vec<Sandbox>, sqlx::Error> {
    let (at, id) = page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let next = reader.ask(sandboxes!(
        " and ($2::uuid is null or s.of_tenant = $2)
          and ($3::timestamptz is null or (s.created_at, s.tenant_id) < ($3, $4))
          order by s.created_at desc, s.tenant_id desc limit $5"
    ));
    next.bind(tenant).bind(at).bind(id).bind(page.rows()).all().await
}

/// Which has this name? One that failed gives way to whoever has it now.
pub async fn find(reader: &Reader<'_>, name: &str) -> Result<Option<Sandbox>, sqlx::Error> {
    let named = sandboxes!(" and s.name = $2 order by w.status = 'failed', s.created_at desc limit 1");
    reader.ask(named).bind(name).optional().await
}

/// Whose copy is this operation's tenant, if it is one? Whoever asks decides by that who may know of it.
pub async fn copied_from(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
) -> Result<Option<TenantId>, sqlx::Error> {
    let of =
        "select s.of_tenant from operations o join sandboxes s on s.tenant_id = o.tenant_id where o.id = $1";
    sqlx::query_scalar(of).bind(operation).fetch_optional(executor).await
}

/// How many has this tenant?
pub async fn count(executor: impl PgExecutor<'_>, of: TenantId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select living_sandboxes($1)").bind(of).fetch_one(executor).await
}

/// Which names that begin like this does somebody have?
pub async fn names_taken(executor: impl PgExecutor<'_>, beginning: &str) -> Result<Vec<String>, sqlx::Error> {
    let taken = "select subdomain from tenants
                  where starts_with(subdomain, $1) and status <> 'deleted' and not address_released";
    sqlx::query_scalar(taken).bind(beginning).fetch_all(executor).await
}
