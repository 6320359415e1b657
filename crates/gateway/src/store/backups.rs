//! Backups.

use common::{
    cluster::ClusterId,
    id::{BackupId, OperationId, TenantId},
};
use serde::Deserialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use time::{OffsetDateTime, serde::rfc3339};

use super::reader::{Reader, seen};
use crate::http::{cursor::Page, one_of::OneOf, request::request};
use crate::vocabulary;

/// A backup.
#[derive(Debug, FromRow)]
pub struct Backup {
    pub id: BackupId,
    pub tenant_id: TenantId,
    pub operation_id: OperationId,
    pub cluster_id: Option<String>,
    #[sqlx(rename = "type")]
    pub backup_type: String,
    pub status: String,
    pub path: Option<String>,
    pub includes_database: bool,
    pub includes_workflows: bool,
    pub includes_credentials: bool,
    pub includes_files: bool,
    pub includes_executions: bool,
    pub retention_days: i32,
    pub kept_until: Option<OffsetDateTime>,
    pub legal_hold: bool,
    pub taken_at: Option<OffsetDateTime>,
    pub written_at: Option<OffsetDateTime>,
    pub verified_at: Option<OffsetDateTime>,
    pub proven_at: Option<OffsetDateTime>,
    pub failed_at: Option<OffsetDateTime>,
    pub removed_at: Option<OffsetDateTime>,
    pub bytes: Option<i64>,
    pub failure: Option<String>,
    pub created_at: OffsetDateTime,
    /// Only where one is asked for.
    pub manifest: Option<Value>,
    /// Something is restored from it, or it is read back. Only where one is asked for.
    pub in_use: bool,
}

impl Backup {
    /// The cluster that it was made in, whose service reaches it.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.cluster_id.as_deref().and_then(|cluster| cluster.parse().ok())
    }

    /// Whether a tenant can be restored from it.
    pub fn is_restorable(&self) -> bool {
        matches!(self.status.as_str(), "verified" | "proven") && self.includes_database
    }

    /// Whether nothing is left of it, or soon will be.
    pub fn is_gone(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "removing" | "removed")
    }
}

/// What a tenant could be restored from at some moment. It is read with the tenant.
#[derive(Debug, FromRow)]
pub struct BackedUp {
    /// The moment that the newest of its backups is of that it could be restored from.
    #[sqlx(rename = "last_restorable_at")]
    pub restorable: Option<OffsetDateTime>,
    /// When one of them was last restored, and n8n ran on it.
    #[sqlx(rename = "last_proven_at")]
    pub proven: Option<OffsetDateTime>,
    /// The last that came to nothing.
    #[sqlx(rename = "last_failed")]
    pub failed: Option<Json<Failed>>,
    /// That moment.
    #[sqlx(rename = "asked_at")]
    pub asked: OffsetDateTime,
}

/// A backup that came to nothing.
#[derive(Debug, Deserialize)]
pub struct Failed {
    #[serde(with = "rfc3339")]
    pub failed_at: OffsetDateTime,
    pub failure: Option<String>,
}

macro_rules! select {
    (($manifest:literal, $in_use:literal), $rest:literal) => {
        concat!(
            "select b.id, b.tenant_id, b.operation_id, b.cluster_id, b.type, b.status, b.path, b.includes_database, b.includes_workflows,
                    b.includes_credentials, b.includes_files, b.includes_executions, b.retention_days, b.kept_until, b.legal_hold,
                    b.taken_at, b.written_at, b.verified_at, b.proven_at, b.failed_at, b.removed_at, b.bytes, b.failure, b.created_at, ",
            $manifest,
            " as manifest, ",
            $in_use,
            " as in_use from backups b where ",
            seen!("b.tenant_id"),
            $rest
        )
    };
}

/// Which backup has this id, as far as the reader sees it?
pub async fn find(reader: &Reader<'_>, id: BackupId) -> Result<Option<Backup>, sqlx::Error> {
    reader.ask(select!(("b.manifest", "backup_is_in_use(b.id)"), " and b.id = $2")).bind(id).optional().await
}

request! {
    /// Which backups to list.
    pub struct Filter: Request {
        /// One status.
        status: Option<OneOf<vocabulary::BackupStatus>>,
        ..page: Page,
    }
}

/// Which of this tenant's come next, the newest first?
pub async fn page(
    reader: &Reader<'_>,
    tenant: TenantId,
    filter: &Filter,
) -> Result<Vec<Backup>, sqlx::Error> {
    let (at, id) = filter.page.after.map(|cursor| (cursor.at, cursor.id)).unzip();
    let asked = reader.ask(select!(
        ("null::jsonb", "false"),
        " and b.tenant_id = $2 and ($3::text is null or b.status = $3)
          and ($4::timestamptz is null or (b.created_at, b.id) < ($4, $5))
        order by b.created_at desc, b.id desc limit $6"
    ));
    let status = filter.status.as_ref().map(OneOf::as_str);
    asked.bind(tenant).bind(status).bind(at).bind(id).bind(filter.page.rows()).all().await
}
