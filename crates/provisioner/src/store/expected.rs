//! What should be there, as the reconciler asks for it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use common::{id::TenantId, operations::Request as _, tenant::Purpose};
use engine::Inventory;
use sqlx::{PgExecutor, PgPool, Row, postgres::PgRow};

use super::{drift::in_the_way, homes, removals};
use crate::{
    home::Home,
    reconcile::{Expected, Noted, Part, Presence, Rows, Trouble, Wanted},
    workspace,
};

/// The rows of a cluster as they are now, with regard to what its engine shows.
pub async fn rows(pool: &PgPool, cluster: &str, inventory: &Inventory) -> Result<Rows, sqlx::Error> {
    let seen: Vec<_> = inventory.tenants().into_iter().collect();
    Ok(Rows {
        tenants: tenants(pool, cluster).await?.into_iter().chain(sharing(pool, cluster).await?).collect(),
        seen: presence(pool, cluster, &seen).await?,
        healing: healing(pool, cluster).await?,
        removed: removals::lately(pool, cluster).await?,
    })
}

/// Tenants for which something should run in this cluster, with all of that. One that lives elsewhere by now is not active here.
async fn tenants(
    executor: impl PgExecutor<'_>,
    cluster: &str,
) -> Result<BTreeMap<TenantId, Expected>, sqlx::Error> {
    let rows = sqlx::query(concat!(
        "select i.*, t.purpose, t.status = 'active' and coalesce(t.cluster_id, i.cluster_id) = i.cluster_id as active,
                exists (select from operations o where o.tenant_id = t.id and ",
        in_the_way!(),
        ") as busy,
                r.heals, r.heal_after <= now() as healable, r.shown_at is not null as shown,
                extract(epoch from now() - r.since)::float8 as age,
                coalesce(s.workers_idle_while_waiting and s.at > now() - interval '30 seconds', false) as starves
           from tenant_instances i join tenants t on t.id = i.tenant_id left join tenant_troubles r on r.tenant_id = t.id
           left join tenant_samples s on s.tenant_id = t.id
          where i.cluster_id = $1 order by i.name",
    ));
    let mut tenants = BTreeMap::<_, Expected>::new();
    for row in rows.bind(cluster).fetch_all(executor).await? {
        let tenant = tenants.entry(row.try_get("tenant_id")?).or_default();
        (tenant.active, tenant.busy) = (row.try_get("active")?, row.try_get("busy")?);
        tenant.purpose = Purpose::of_record(row.try_get("purpose")?);
        (tenant.trouble, tenant.starves) = (trouble(&row)?, row.try_get("starves")?);
        tenant.wanted.push(Wanted {
            name: row.try_get("name")?,
            is_worker: row.try_get::<&str, _>("role")? == "worker",
            cpu_millis: row.try_get::<i32, _>("cpu_millis")?.unsigned_abs(),
            memory_mb: row.try_get::<i32, _>("memory_mb")?.unsigned_abs(),
            noted: noted(&row)?,
        });
    }
    Ok(tenants)
}

/// Tenants of this cluster that should be somebody in an n8n that they share, or that are in trouble although they should not.
async fn sharing(
    executor: impl PgExecutor<'_>,
    cluster: &str,
) -> Result<Vec<(TenantId, Expected)>, sqlx::Error> {
    let rows = sqlx::query(concat!(
        "select t.id, t.created_at, l.concurrent_executions, l.executions_per_month, t.status = 'active' as active,
                exists (select from operations o where o.tenant_id = t.id and ",
        in_the_way!(),
        ") as busy,
                r.heals, r.heal_after <= now() as healable, r.shown_at is not null as shown,
                extract(epoch from now() - r.since)::float8 as age, ",
        homes::columns!(),
        " from tenants t join tenant_limits l on l.tenant_id = t.id left join tenant_troubles r on r.tenant_id = t.id
          where t.mode = 'shared' and t.cluster_id = $1 and t.shared_user is not null
            and (t.status = 'active' or r.tenant_id is not null)",
    ));
    let rows = rows.bind(cluster).fetch_all(executor).await?;
    let read = |row: &PgRow| {
        let tenant: TenantId = row.try_get("id")?;
        let Ok(Some(Home::Shared(workspace))) = homes::read(row) else {
            tracing::error!(tenant_id = %tenant, "who the tenant is in the n8n that it shares cannot be read");
            return Ok(None);
        };
        let figure = |column| row.try_get::<i32, _>(column).map(i32::unsigned_abs);
        let limits = workspace::limits(figure("concurrent_executions")?, figure("executions_per_month")?);
        let (instance, place) = (workspace.instance, workspace.place);
        let part = Part { instance, place, limits, created_at: row.try_get("created_at")? };
        let (active, busy, trouble) = (row.try_get("active")?, row.try_get("busy")?, trouble(row)?);
        Ok(Some((tenant, Expected { active, busy, trouble, part: Some(part), ..Expected::default() })))
    };
    rows.iter().filter_map(|row| read(row).transpose()).collect()
}

fn trouble(row: &PgRow) -> Result<Option<Trouble>, sqlx::Error> {
    let Some(heals) = row.try_get::<Option<i32>, _>("heals")? else { return Ok(None) };
    Ok(Some(Trouble {
        age: Duration::from_secs_f64(row.try_get::<f64, _>("age")?.max(0.0)),
        heals: heals.unsigned_abs(),
        healable: row.try_get("healable")?,
        shown: row.try_get("shown")?,
    }))
}

fn noted(row: &PgRow) -> Result<Noted, sqlx::Error> {
    Ok(Noted {
        state: row.try_get("state")?,
        health: row.try_get("health")?,
        restarts: row.try_get("restarts")?,
        engine_restarts: row.try_get("engine_restarts")?,
        last_restart_at: row.try_get("last_restart_at")?,
        last_exit_code: row.try_get("last_exit_code")?,
        oom_killed: row.try_get("oom_killed")?,
        oom_kills: row.try_get("oom_kills")?,
        last_oom_at: row.try_get("last_oom_at")?,
        told_at: row.try_get("told_at")?,
        seen_at: row.try_get("seen_at")?,
    })
}

/// What the record knows of these tenants, as seen from this cluster: one that lives in another, and for which nothing is to run here, is
/// gone from it. One that is not in the answer has no row.
pub async fn presence(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    tenants: &[TenantId],
) -> Result<HashMap<TenantId, Presence>, sqlx::Error> {
    let known = sqlx::query_as(
        "select t.id,
                (t.status in ('failed', 'deleted')
                 or t.cluster_id is not null and t.cluster_id <> $2 and not exists (
                        select from tenant_instances i where i.tenant_id = t.id and i.cluster_id = $2))
                and not exists (
                    select from operations o where o.tenant_id = t.id
                       and o.status in ('queued', 'running', 'undoing', 'stuck')
                       and (o.status <> 'queued' or o.not_before <= now()))
           from tenants t where t.id = any($1)",
    );
    let known: Vec<(TenantId, bool)> = known.bind(tenants).bind(cluster).fetch_all(executor).await?;
    let presence = |gone: bool| if gone { Presence::Gone } else { Presence::Alive };
    Ok(known.into_iter().map(|(tenant, gone)| (tenant, presence(gone))).collect())
}

/// How many operations heal tenants of this cluster, or wait to.
async fn healing(executor: impl PgExecutor<'_>, cluster: &str) -> Result<usize, sqlx::Error> {
    let healing: i64 = sqlx::query_scalar(
        "select count(*) from operations o join tenants t on t.id = o.tenant_id
          where o.kind = $2 and o.status in ('queued', 'running', 'undoing', 'stuck') and t.cluster_id = $1",
    )
    .bind(cluster)
    .bind(wire::kinds::TenantHeal::KIND.name)
    .fetch_one(executor)
    .await?;
    Ok(usize::try_from(healing).unwrap_or_default())
}
