//! What was seen of containers, written down.

use std::time::Duration;

use sqlx::{PgExecutor, types::Json};

use crate::reconcile::Note;

/// Writes notes, and tells those that are to be told. Gives the names of those whose rows were still as they had been read; another
/// replica that saw the same was faster with the others.
pub async fn write(executor: impl PgExecutor<'_>, notes: &[Note]) -> Result<Vec<String>, sqlx::Error> {
    if notes.is_empty() {
        return Ok(vec![]);
    }
    let write = sqlx::query_scalar(
        "with written as (
             update tenant_instances i set
                 state = n.state, health = n.health, restarts = n.restarts, engine_restarts = n.engine_restarts,
                 last_restart_at = n.last_restart_at, last_exit_code = n.last_exit_code, oom_killed = n.oom_killed,
                 oom_kills = n.oom_kills, last_oom_at = n.last_oom_at, told_at = n.told_at,
                 -- What is not known any more was last seen when everything was.
                 seen_at = case when n.state = 'unknown'
                                then coalesce((select c.observed_at from clusters c where c.id = i.cluster_id), i.seen_at)
                                else now() end
             from jsonb_to_recordset($1) as n (
                 name text, state text, health text, restarts bigint, engine_restarts bigint,
                 last_restart_at timestamptz, last_exit_code bigint, oom_killed boolean, oom_kills bigint,
                 last_oom_at timestamptz, told_at timestamptz, seen_at timestamptz, tell boolean)
             where i.name = n.name and i.seen_at is not distinct from n.seen_at
             returning i.tenant_id, i.name, i.role, i.restarts, i.last_exit_code, i.oom_killed, n.tell
         ), told as (
             insert into event_outbox (kind, tenant_id, data)
             select 'instance.restarted', tenant_id, jsonb_strip_nulls(jsonb_build_object(
                    'instance', name, 'role', role, 'restarts', restarts, 'exit_code', last_exit_code,
                    'oom_killed', oom_killed))
               from written where tell order by name
         )
         select name from written",
    );
    write.bind(Json(notes)).fetch_all(executor).await
}

/// The cluster's containers were looked at so long ago, and what was seen is noted.
pub async fn observed(
    executor: impl PgExecutor<'_>,
    cluster: &str,
    ago: Duration,
) -> Result<(), sqlx::Error> {
    let observed = "update clusters set observed_at = greatest(observed_at, now() - make_interval(secs => $2)) where id = $1";
    sqlx::query(observed).bind(cluster).bind(ago.as_secs_f64()).execute(executor).await.map(drop)
}
