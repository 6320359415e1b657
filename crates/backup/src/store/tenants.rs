//! Whose data is copied.

use common::{
    id::{OperationId, TenantId},
    tenant::{Mode, Purpose},
};
use sqlx::PgExecutor;

/// What is to be known of a tenant to copy its data.
#[derive(sqlx::FromRow)]
pub struct Tenant {
    mode: String,
    purpose: String,
    pub n8n_version: String,
    /// How it is, for this operation: what one that was accepted later has made of it does not count.
    pub status: String,
}

impl Tenant {
    /// Whether it has a database of its own.
    pub fn is_dedicated(&self) -> bool {
        self.mode == Mode::Dedicated.as_str()
    }

    /// What it is there for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Whether it is somebody's.
    pub fn is_customer(&self) -> bool {
        Purpose::of_record(&self.purpose).is_customer()
    }
}

/// The tenant that this operation is done for.
pub async fn of_operation(
    executor: impl PgExecutor<'_>,
    operation: OperationId,
    tenant: TenantId,
) -> Result<Tenant, sqlx::Error> {
    let find = "select t.mode, t.purpose, t.n8n_version, coalesce(
            (select later.former_status from operations later
              where later.tenant_id = o.tenant_id and later.former_status is not null
                and later.status in ('queued', 'running', 'undoing', 'stuck')
                and (later.created_at, later.id) > (o.created_at, o.id)
              order by later.created_at, later.id limit 1), t.status) as status
        from tenants t join operations o on o.id = $2 where t.id = $1";
    sqlx::query_as(find).bind(tenant).bind(operation).fetch_one(executor).await
}
