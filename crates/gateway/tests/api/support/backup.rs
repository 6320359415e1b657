//! Backups as the service makes them.

use common::id::{BackupId, OperationId, TenantId};
use sqlx::PgPool;

/// One that was made and read back.
pub async fn kept_backup(database: &PgPool, tenant: TenantId) -> BackupId {
    kept_backup_of(database, tenant, ("verified", 0)).await
}

/// One that is like this, of so many hours ago.
pub async fn kept_backup_of(
    database: &PgPool,
    tenant: TenantId,
    (status, hours_ago): (&str, i32),
) -> BackupId {
    let (backup, operation) = (BackupId::generate(), OperationId::generate());
    let insert = "insert into backups (id, tenant_id, operation_id, type, status, includes_database, includes_workflows, includes_credentials,
                      includes_files, includes_executions, retention_days, path, taken_at, written_at, verified_at, kept_until, bytes,
                      manifest_sha256, manifest)
                  values ($1, $2, $3, 'manual', $4, true, true, true, true, true, 30, 's3://b/x/', now() - make_interval(hours => $5), now(), now(),
                      now() + interval '30 days', 4096, 'abc', '{\"format\": 1, \"objects\": []}')";
    sqlx::query(insert)
        .bind(backup)
        .bind(tenant)
        .bind(operation)
        .bind(status)
        .bind(hours_ago)
        .execute(database)
        .await
        .unwrap();
    backup
}
