//! The n8ns that the platform does not run itself, and what keeps tenants out of them.

use common::id::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor, types::Json};
use utoipa::ToSchema;

/// One thing that is in the way, in the words of whoever found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ExternalN8nObstacle)]
pub struct Obstacle {
    /// Such as `no_database`, `key_refused`, `another_database`, `not_configured`.
    #[schema(example = "no_database")]
    pub code: String,
    #[schema(example = "SHARED_N8N_DATABASE_URL is not set.")]
    pub detail: String,
    /// Whether it passes by itself. What is asked for meanwhile waits; otherwise it is refused.
    pub passes: bool,
}

/// What is in the way of what is asked for a tenant.
#[derive(Debug, FromRow)]
pub struct InTheWay {
    /// Whether the tenant is such an n8n itself.
    pub itself: bool,
    pub obstacles: Json<Vec<Obstacle>>,
}

/// Is this tenant an n8n of somebody else's, or does it live in one?
pub async fn of_tenant(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
) -> Result<Option<InTheWay>, sqlx::Error> {
    let question = "select own is not null as itself, coalesce(own, others) as obstacles
          from (select external_obstacles(t.id::text) as own, external_obstacles(t.shared_instance) as others
                  from tenants t where t.id = $1) of_tenant
         where own is not null or others is not null";
    sqlx::query_as(question).bind(tenant).fetch_optional(executor).await
}

/// One of them, for those who look after the platform.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ExternalN8n {
    pub name: String,
    pub cluster_id: String,
    pub obstacles: Json<Vec<Obstacle>>,
}

/// Which are there?
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<ExternalN8n>, sqlx::Error> {
    let all = "select t.subdomain as name, x.cluster_id, external_obstacles(t.id::text) as obstacles
          from external_n8ns x join tenants t on t.id = x.tenant_id where t.status <> 'deleted' order by 1, 2";
    sqlx::query_as(all).fetch_all(executor).await
}
