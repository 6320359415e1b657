//! A backup, as callers see it.

use common::id::{BackupId, OperationId, TenantId};
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{store::backups::Backup, vocabulary};

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backup)]
pub struct BackupView {
    #[schema(value_type = String, example = "bak_0198c0de0000700080000000000000dd")]
    id: BackupId,
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    #[schema(value_type = vocabulary::BackupTypes)]
    r#type: String,
    /// Only one that is `verified` (all of it was read back) or `proven` (it was restored, and n8n ran on it) counts.
    #[schema(value_type = vocabulary::BackupStatus)]
    status: String,
    /// Whether a tenant can be restored from it.
    restorable: bool,
    /// Where it is; null until it is begun.
    #[schema(
        example = "s3://rp9-backups/tenants/ten_0198c0de0000700080000000000000aa/backups/20261128T020000Z-000000dd/"
    )]
    path: Option<String>,
    includes: Included,
    retention_days: i32,
    /// Until when it is kept at least. The last one that a tenant can be restored from is kept beyond that.
    #[serde(with = "rfc3339::option")]
    kept_until: Option<OffsetDateTime>,
    /// While it lasts nobody removes it.
    legal_hold: bool,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    /// The moment that all of it is of.
    #[serde(with = "rfc3339::option")]
    taken_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    written_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    verified_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    proven_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    failed_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    removed_at: Option<OffsetDateTime>,
    /// What it takes in the store.
    bytes: Option<i64>,
    /// Why nothing came of it, or what it was found to be when it was to be restored.
    failure: Option<String>,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
}

/// What goes along.
#[derive(Debug, Serialize, ToSchema)]
struct Included {
    database: bool,
    workflows: bool,
    credentials: bool,
    files: bool,
    executions: bool,
}

/// A backup with all that is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupDetails {
    #[serde(flatten)]
    backup: BackupView,
    /// What its `manifest.json` says: versions, rows of each table, counts, what is not included and why, and the size and SHA-256 of each object.
    /// Null until it is written.
    #[schema(value_type = Option<Object>)]
    manifest: Option<Value>,
}

impl From<Backup> for BackupView {
    fn from(backup: Backup) -> Self {
        let restorable = backup.is_restorable();
        Self {
            id: backup.id,
            tenant_id: backup.tenant_id,
            r#type: backup.backup_type,
            status: backup.status,
            restorable,
            path: backup.path,
            includes: Included {
                database: backup.includes_database,
                workflows: backup.includes_workflows,
                credentials: backup.includes_credentials,
                files: backup.includes_files,
                executions: backup.includes_executions,
            },
            retention_days: backup.retention_days,
            kept_until: backup.kept_until,
            legal_hold: backup.legal_hold,
            created_at: backup.created_at,
            taken_at: backup.taken_at,
            written_at: backup.written_at,
            verified_at: backup.verified_at,
            proven_at: backup.proven_at,
            failed_at: backup.failed_at,
            removed_at: backup.removed_at,
            bytes: backup.bytes,
            failure: backup.failure,
            operation_id: backup.operation_id,
        }
    }
}

impl From<Backup> for BackupDetails {
    fn from(mut backup: Backup) -> Self {
        let manifest = backup.manifest.take();
        Self { backup: backup.into(), manifest }
    }
}
