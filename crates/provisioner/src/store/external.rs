//! The n8n of somebody else's that tenants of a cluster share.

use common::{database, id::TenantId, tenant::TenantStatus};
use n8n::{account::OwnerId, members::Recognised};
use sqlx::{FromRow, PgPool, types::Json};
use uuid::Uuid;

use crate::{config::ExternalSettings, external::Obstacle};

/// It, as the record has it.
#[derive(Debug, FromRow)]
pub struct Row {
    pub tenant: TenantId,
    pub name: String,
    pub generation: i64,
    /// Whether it is being forgotten.
    pub leaves: bool,
    owner: Option<Uuid>,
    tenants: i64,
}

impl Row {
    /// Whether one with this owner is another than that which tenants live in.
    pub fn is_another(&self, owner: OwnerId) -> bool {
        self.tenants > 0 && self.owner.is_some_and(|known| known != owner.0)
    }
}

const FIND: &str = "select x.tenant_id as tenant, t.subdomain as name, t.generation, t.status = 'deleting' as leaves, x.owner,
           tenants_sharing(x.tenant_id) as tenants
      from external_n8ns x join tenants t on t.id = x.tenant_id where x.cluster_id = $1 and t.status <> 'deleted'";

/// Makes a row of it among the shared n8ns, unless there is one. Until it is recognised nobody is placed in it.
pub async fn ensure(pool: &PgPool, cluster: &str, settings: &ExternalSettings) -> Result<Row, sqlx::Error> {
    let mut transaction = database::begin(pool).await?;
    let turn = sqlx::query("select pg_advisory_xact_lock(hashtextextended('rp9 external n8n of ' || $1, 0))");
    turn.bind(cluster).execute(&mut *transaction).await?;
    let found = sqlx::query_as(FIND).bind(cluster).fetch_optional(&mut *transaction).await?;
    if let Some(row) = found {
        return Ok(row);
    }
    let insert = "with tenant as (
            insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, purpose, capacity, cluster_id)
            values ($1, $2, 'platform@tenants.invalid', $2, 'dedicated', $3, 'shared', '0.0.0', 'shared', $4, $5) returning id),
        limits as (
            insert into tenant_limits (tenant_id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month,
                                       concurrent_executions, api_calls_per_hour, connections)
            select tenant.id, p.cpu_millis, p.memory_mb, p.workers, p.storage_gb, p.executions_per_month,
                   p.concurrent_executions, p.api_calls_per_hour, 0 from tenant, plans p where p.name = 'shared')
        insert into external_n8ns as x (cluster_id, tenant_id, base_url, obstacles) select $5, id, $6, $7 from tenant
        on conflict (cluster_id) do update
           set tenant_id = excluded.tenant_id, base_url = excluded.base_url, owner = null, obstacles = excluded.obstacles,
               looked_at = now()";
    let unseen = Obstacle { code: "away", detail: "It was not looked at yet.".to_owned(), passes: true };
    let insert = sqlx::query(insert).bind(TenantId::generate()).bind(settings.name.as_str());
    let insert = insert.bind(TenantStatus::Active.as_str()).bind(i32::from(settings.capacity));
    let insert = insert.bind(cluster).bind(settings.base_url.as_str()).bind(Json([unseen]));
    insert.execute(&mut *transaction).await?;
    let row = sqlx::query_as(FIND).bind(cluster).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(row)
}

/// What a look found.
pub async fn note(
    pool: &PgPool,
    row: &Row,
    settings: &ExternalSettings,
    obstacles: &[Obstacle],
    recognised: Option<&Recognised>,
) -> Result<(), sqlx::Error> {
    let note = "with tenant as (
            update tenants set capacity = $3, n8n_version = coalesce($4, n8n_version), updated_at = now()
             where id = $1 and (capacity <> $3 or n8n_version <> coalesce($4, n8n_version)))
        update external_n8ns set base_url = $2, obstacles = $5, owner = coalesce($6, owner), looked_at = now()
         where tenant_id = $1";
    let note = sqlx::query(note).bind(row.tenant).bind(settings.base_url.as_str());
    let note = note.bind(i32::from(settings.capacity)).bind(recognised.map(|known| known.since.to_string()));
    let note = note.bind(Json(obstacles)).bind(recognised.map(|known| known.owner.0));
    note.execute(pool).await.map(drop)
}
