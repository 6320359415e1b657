//! What tenants that share an n8n had running when they were let rest.

use common::{id::TenantId, operations::StepError};
use n8n::members::ActiveWorkflow;
use sqlx::{PgConnection, PgExecutor, types::Json};

/// What ran, and what is to run again.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rest {
    pub workflows: Vec<ActiveWorkflow>,
    /// How many webhooks n8n listened on for them.
    pub webhooks: u64,
}

/// Notes it, unless something is noted already: a later look may have been half-way.
pub async fn note(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    Rest { workflows, webhooks }: &Rest,
) -> Result<(), sqlx::Error> {
    let note = "insert into resting_workspaces (tenant_id, workflows, webhooks) values ($1, $2, $3)
                on conflict (tenant_id) do nothing";
    let webhooks = i64::try_from(*webhooks).unwrap_or(i64::MAX);
    let note = sqlx::query(note).bind(tenant).bind(Json(workflows)).bind(webhooks);
    note.execute(executor).await.map(drop)
}

/// Notes this in place of whatever is noted.
pub async fn replace(
    connection: &mut PgConnection,
    tenant: TenantId,
    rest: &Rest,
) -> Result<(), sqlx::Error> {
    forget(&mut *connection, tenant).await?;
    note(connection, tenant, rest).await
}

/// What is noted, if anything is.
pub async fn find(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<Rest>, StepError> {
    let find = sqlx::query_as("select workflows, webhooks from resting_workspaces where tenant_id = $1");
    let found: Option<(Json<Vec<ActiveWorkflow>>, i64)> = find.bind(tenant).fetch_optional(executor).await?;
    Ok(found.map(|(Json(workflows), webhooks)| Rest { workflows, webhooks: webhooks.unsigned_abs() }))
}

/// It runs again, or never will.
pub async fn forget(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let forget = sqlx::query("delete from resting_workspaces where tenant_id = $1").bind(tenant);
    forget.execute(executor).await.map(drop)
}
