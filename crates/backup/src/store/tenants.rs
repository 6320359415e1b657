//! Whose data is copied.

use common::{
    id::TenantId,
    tenant::{Mode, Purpose},
};
use sqlx::PgExecutor;

/// What is to be known of a tenant to copy its data.
#[derive(sqlx::FromRow)]
pub struct Tenant {
    mode: String,
    purpose: String,
    pub n8n_version: String,
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

/// Which is it?
pub async fn get(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Tenant, sqlx::Error> {
    let get = sqlx::query_as("select mode, purpose, n8n_version from tenants where id = $1").bind(tenant);
    get.fetch_one(executor).await
}
