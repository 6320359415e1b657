//! What should run for a tenant.

use common::{error::Kind, id::TenantId, operations::StepError, tenant::Color};
use sqlx::{PgConnection, PgExecutor, Row};

use super::tenants::Tenant;

/// What a container of a tenant is for, and which of several it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Main,
    /// What answers webhooks and forms of a side without a main.
    Front,
    /// Counted from one.
    Worker(i32),
}

/// One container that should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub name: String,
    pub place: Place,
    pub color: Color,
    pub generation: i64,
    pub cpu_millis: u32,
    pub memory_mb: u32,
}

impl Instance {
    /// Those a tenant should have on this side: one main, and its plan's workers. The limits hold for each container.
    pub fn all_of(tenant: &Tenant, color: Color) -> Vec<Self> {
        let workers = (1..=tenant.workers as i32).map(Place::Worker);
        std::iter::once(Place::Main).chain(workers).map(|place| Self::of(tenant, color, place)).collect()
    }

    /// One of them, or what there is of a second side.
    pub fn of(tenant: &Tenant, color: Color, place: Place) -> Self {
        let digits = tenant.id.digits();
        let name = match place {
            Place::Main => format!("rp9-{digits}-{color}-main"),
            Place::Front => format!("rp9-{digits}-{color}-webhook"),
            Place::Worker(ordinal) => format!("rp9-{digits}-{color}-worker-{ordinal}"),
        };
        Self {
            name,
            place,
            color,
            generation: tenant.generation,
            cpu_millis: tenant.cpu_millis,
            memory_mb: tenant.memory_mb,
        }
    }
}

/// Writes down what should run. What is written already stays as it is.
pub async fn ensure(
    connection: &mut PgConnection,
    cluster: &str,
    tenant: TenantId,
    instances: &[Instance],
) -> Result<(), sqlx::Error> {
    for instance in instances {
        let (role, ordinal) = match instance.place {
            Place::Main => ("main", 0),
            Place::Front => ("webhook", 0),
            Place::Worker(ordinal) => ("worker", ordinal),
        };
        let insert = "insert into tenant_instances
                (name, tenant_id, cluster_id, role, color, ordinal, generation, cpu_millis, memory_mb)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (name) do nothing";
        sqlx::query(insert)
            .bind(&instance.name)
            .bind(tenant)
            .bind(cluster)
            .bind(role)
            .bind(instance.color.as_str())
            .bind(ordinal)
            .bind(instance.generation)
            .bind(instance.cpu_millis as i32)
            .bind(instance.memory_mb as i32)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What should run for this tenant, mains first.
pub async fn of_tenant(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Vec<Instance>, StepError> {
    let rows = sqlx::query(
        "select name, role, color, ordinal, generation, cpu_millis, memory_mb
         from tenant_instances where tenant_id = $1 order by role, ordinal",
    );
    let rows = rows.bind(tenant).fetch_all(executor).await?;
    rows.iter()
        .map(|row| {
            let color: &str = row.try_get("color")?;
            Ok(Instance {
                name: row.try_get("name")?,
                place: match row.try_get("role")? {
                    "main" => Place::Main,
                    "webhook" => Place::Front,
                    _ => Place::Worker(row.try_get("ordinal")?),
                },
                color: color
                    .parse()
                    .map_err(|_| StepError::failed(Kind::Internal, "an instance has no color"))?,
                generation: row.try_get("generation")?,
                cpu_millis: row.try_get::<i32, _>("cpu_millis")?.unsigned_abs(),
                memory_mb: row.try_get::<i32, _>("memory_mb")?.unsigned_abs(),
            })
        })
        .collect()
}

/// These should not run any more.
pub async fn forget(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    names: &[String],
) -> Result<(), sqlx::Error> {
    let forget = sqlx::query("delete from tenant_instances where tenant_id = $1 and name = any($2)");
    forget.bind(tenant).bind(names).execute(executor).await.map(drop)
}

/// Nothing should run any more.
pub async fn remove_all(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    sqlx::query("delete from tenant_instances where tenant_id = $1")
        .bind(tenant)
        .execute(executor)
        .await
        .map(drop)
}
