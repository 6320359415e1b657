//! The n8ns that tenants share, whoever runs them. They are tenants with a purpose of their own; here is what only they have. Callers
//! see all of them: nobody who sees only customers gets here.

use common::{
    id::TenantId,
    tenant::{Subdomain, TenantStatus},
};
use sqlx::{FromRow, PgExecutor, types::Json};
use time::OffsetDateTime;

use super::{external::Obstacle, word::Word};

/// One of them, and how many live in it.
#[derive(Debug, Clone, FromRow)]
pub struct SharedInstance {
    pub id: TenantId,
    pub name: String,
    #[sqlx(try_from = "String")]
    pub status: Word<TenantStatus>,
    /// Whether no more tenants are placed in it.
    pub draining: bool,
    pub capacity: i32,
    pub tenants: i64,
    pub region: Option<String>,
    pub cluster_id: Option<String>,
    pub n8n_version: String,
    pub cpu_millis: i32,
    pub memory_mb: i32,
    pub workers: i32,
    pub failure: Option<String>,
    pub created_at: OffsetDateTime,
    /// Where it answers, of one that the platform does not run.
    pub base_url: Option<String>,
    /// And what keeps tenants out of it.
    pub obstacles: Option<Json<Vec<Obstacle>>>,
}

/// Every question about them begins like this.
macro_rules! shared_instances {
    ($rest:literal) => {
        concat!(
            "select t.id, t.subdomain as name, t.status, t.draining, coalesce(t.capacity, 0) as capacity,
                    tenants_sharing(t.id) as tenants, t.region, t.cluster_id, t.n8n_version, l.cpu_millis, l.memory_mb,
                    l.workers, t.failure, t.created_at, x.base_url, external_obstacles(t.id::text) as obstacles
               from tenants t join tenant_limits l on l.tenant_id = t.id left join external_n8ns x on x.tenant_id = t.id
              where t.purpose = 'shared' and ",
            $rest
        )
    };
}

/// Which are there? Those that are gone are not listed.
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<SharedInstance>, sqlx::Error> {
    let all = shared_instances!("t.status <> 'deleted' order by t.subdomain, t.created_at desc");
    sqlx::query_as(all).fetch_all(executor).await
}

/// Which has this id?
pub async fn find(
    executor: impl PgExecutor<'_>,
    id: TenantId,
) -> Result<Option<SharedInstance>, sqlx::Error> {
    sqlx::query_as(shared_instances!("t.id = $1")).bind(id).fetch_optional(executor).await
}

/// Which has this name? One that is gone has it no more.
pub async fn find_by_name(
    executor: impl PgExecutor<'_>,
    name: &Subdomain,
) -> Result<Option<SharedInstance>, sqlx::Error> {
    let by_name = shared_instances!(
        "t.subdomain = $1 and t.status <> 'deleted' order by t.address_released, t.created_at desc limit 1"
    );
    sqlx::query_as(by_name).bind(name.as_str()).fetch_optional(executor).await
}
