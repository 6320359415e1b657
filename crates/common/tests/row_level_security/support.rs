//! Tenants with something in every table that owners see.

use common::id::{OperationId, TenantId};
use sqlx::PgPool;

/// Makes a tenant with a row in each table: limits, an instance, an operation with a step, events told and on their way.
pub async fn tenant(services: &PgPool) -> TenantId {
    let (tenant, operation) = (TenantId::generate(), OperationId::generate());
    let rows = [
        "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
         select $1, 'Acme', 'ada@acme.example', 't' || replace($1::text, '-', ''), 'dedicated', 'active', 'pro', '2.41.1'
          where $2 is not null",
        "insert into tenant_limits select $1, 1, 1, 1, 1, 1, 1, 1 where $2 is not null",
        "insert into clusters (id, region, engine, subnets) select 'local', 'local', 'docker', '10.0.0.0/16'
          where $1 is not null and $2 is not null on conflict do nothing",
        "insert into tenant_instances (name, tenant_id, cluster_id, role, color, ordinal, generation, cpu_millis, memory_mb)
         select 'main-' || $1::text, $1, 'local', 'main', 'blue', 0, 1, 1, 1 where $2 is not null",
        "insert into operations (id, kind, tenant_id, request, actor, correlation_id, deadline)
         select $2, 'tenant.create', $1, '{\"secret\": 1}', 'a', 'c', now()",
        "insert into operation_steps (operation_id, ordinal, step, event, fence)
         select $2, 0, 'reserve', 'started', 1 where $1 is not null",
        "insert into events (at, kind, tenant_id, operation_id, correlation_id, data)
         select at, kind, tenant_id, operation_id, correlation_id, data from event_outbox
          where tenant_id = $1 and $2 is not null",
        "insert into tenant_troubles (tenant_id, reasons, heals, heal_after) select $1, '{}', 1, now() where $2 is not null",
        "insert into custom_domains (tenant_id, domain) select $1, 'flows.acme.example' where $2 is not null",
        "insert into tenant_samples (tenant_id, cluster_id, at) select $1, 'local', now() where $2 is not null",
        "select count_usage($1, gen_random_uuid(), now(), array[$1], array[date_trunc('hour', now(), 'UTC')], array['production'],
            array[1::bigint], array[1::bigint], array[0::bigint], array[0::bigint], array[0::bigint], array[0::bigint]) where $2 is not null",
        "insert into usage_measures_hourly (tenant_id, hour, api_calls) select $1, date_trunc('hour', now(), 'UTC'), 1 where $2 is not null",
        "insert into usage_measures_monthly (tenant_id, month, api_calls) select $1, month_of(now()), 1 where $2 is not null",
        "insert into backups (id, tenant_id, operation_id, type, includes_database, includes_workflows, includes_credentials, includes_files,
                              includes_executions, retention_days)
         select $1, $1, $2, 'manual', true, true, true, true, true, 7",
        // As if it were a copy of itself: a row of whose sandbox it is, and no second tenant.
        "insert into sandboxes (tenant_id, of_tenant, backup_id, name, operation_id, created_by, expires_at)
         select $1, $1, $1, 'copy', $2, 'a', now()",
        "insert into restores (id, tenant_id, backup_id, sandbox_id, operation_id, asked_by) select $1, $1, $1, $1, $2, 'a'",
        "insert into restore_drills (id, tenant_id, backup_id, operation_id, asked_by) select $1, $1, $1, $2, 'a'",
        "insert into promotions (id, tenant_id, operation_id, asked_by, ttl_seconds) select $1, $1, $2, 'a', 60",
        "insert into failovers (operation_id, tenant_id, asked_by) select $2, $1, 'a'",
        "insert into side_readings (tenant_id, host, color, webhooks, read_at, started_at, answers)
         select $1, 'acme.example', 'blue', true, now(), now(), '{}' where $2 is not null",
        "insert into tenant_secrets (tenant_id, name, key_id, ciphertext) select $1, 'key', 1, 'x' where $2 is not null",
    ];
    for row in rows {
        sqlx::query(row).bind(tenant).bind(operation).execute(services).await.unwrap();
    }
    tenant
}

/// The SQLSTATE of a refusal.
pub fn sqlstate<T: std::fmt::Debug>(refused: Result<T, sqlx::Error>) -> String {
    let error = refused.unwrap_err();
    error.as_database_error().and_then(|error| error.code()).unwrap_or_else(|| panic!("{error}")).into_owned()
}

/// What somebody without the right is told.
pub const INSUFFICIENT_PRIVILEGE: &str = "42501";
