//! Sandboxes, and until when they are there.

use common::{
    id::{OperationId, TenantId},
    operations::{self, Asked, NewOperation},
    role::Role,
};
use sqlx::{PgExecutor, PgPool};
use wire::kinds::TenantDelete;

/// Those of this cluster, or of none any more, whose time is over or whose tenant is gone, and whom nobody removes yet, the longest overdue first.
pub async fn overdue(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    at_most: i64,
) -> Result<Vec<TenantId>, sqlx::Error> {
    let overdue = "select t.id from sandboxes s join tenants t on t.id = s.tenant_id join tenants o on o.id = s.of_tenant
         where (s.expires_at <= now() or o.status = 'deleted') and t.status not in ('deleting', 'deleted') and coalesce(t.cluster_id, $1) = $1
         order by s.expires_at limit $2";
    sqlx::query_scalar(overdue).bind(cluster).bind(at_most).fetch_all(executor).await
}

/// Accepts that it is removed; `false`: that was accepted before.
pub async fn remove(pool: &PgPool, sandbox: TenantId) -> Result<bool, sqlx::Error> {
    let operation = OperationId::generate();
    let correlation_id = operation.to_string();
    let asked = Asked {
        actor: "sandboxes",
        role: Role::Service,
        correlation_id: &correlation_id,
        traceparent: None,
        reason: Some("Its time is over, or its tenant is gone."),
    };
    operations::accept(
        pool,
        &NewOperation::of(operation, &sandbox, &TenantDelete { final_backup: false }, asked),
        None,
    )
    .await
}
