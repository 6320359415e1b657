//! What goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::{Activity, OUTCOMES, RECENT, Whose};
use crate::databases::{DatabaseError, is_told, refused};

#[derive(sqlx::FromRow)]
struct Row {
    sees: bool,
    /// None where nothing goes on.
    project: Option<String>,
    queued: i64,
    running: i64,
    began_in_minute: i64,
    oldest: Option<f64>,
    queue_wait_p95: Option<f64>,
    duration_p95: Option<f64>,
    succeeded: i64,
    failed: i64,
}

/// One row at least: where no trigger tells the meter, that nothing is known of it is no zero. What begins or ends later than now is no news, whoever wrote it, and nobody waits for longer than a day that is worth a figure. `asked`: production and what follows a failure. They go through the queue; what is run by hand or within another does not.
const ACTIVITY: &str = concat!(
    "
    WITH seen AS MATERIALIZED (
        SELECT CASE WHEN $1 THEN coalesce(project_id, '') ELSE '' END AS project, state, kind, kind IN ('production', 'error') AS asked,
               greatest(queued_at, now() - interval '1 day') AS queued_at, waited,
               CASE WHEN started_at < now() + interval '1 minute' THEN started_at END AS started_at,
               CASE WHEN stopped_at < now() + interval '1 minute' THEN stopped_at END AS stopped_at
          FROM rp9.execution
         WHERE source = rp9.source() AND (state IN ('queued', 'running') OR changed_at > now() - make_interval(secs => $2)))
    SELECT m.sees, project,
           count(*) FILTER (WHERE state = 'queued' AND asked) AS queued,
           count(*) FILTER (WHERE state = 'running' AND kind <> 'sub_workflow') AS running,
           count(*) FILTER (WHERE asked AND started_at > now() - interval '1 minute') AS began_in_minute,
           extract(epoch FROM now() - min(queued_at) FILTER (WHERE state = 'queued' AND asked))::float8 AS oldest,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - queued_at)::float8)
               FILTER (WHERE asked AND started_at > now() - make_interval(secs => $3)) AS queue_wait_p95,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM greatest(stopped_at - started_at - waited, interval '0'))::float8)
               FILTER (WHERE asked AND stopped_at > now() - make_interval(secs => $3)) AS duration_p95,
           count(*) FILTER (WHERE asked AND state = 'succeeded' AND stopped_at > now() - make_interval(secs => $2)) AS succeeded,
           count(*) FILTER (WHERE asked AND state = 'failed' AND stopped_at > now() - make_interval(secs => $2)) AS failed
      FROM (SELECT ",
    is_told!(),
    " AS sees) m
      LEFT JOIN seen ON true
     GROUP BY m.sees, project"
);

pub(super) async fn look(
    connection: &mut PgConnection,
    whose: Whose,
) -> Result<BTreeMap<String, Activity>, DatabaseError> {
    let question = sqlx::query_as(ACTIVITY).bind(whose == Whose::EachProjects);
    let question = question.bind(OUTCOMES.as_secs_f64()).bind(RECENT.as_secs_f64());
    let rows: Vec<Row> = question.fetch_all(connection).await.map_err(refused("look at executions"))?;
    if !rows.iter().all(|row| row.sees) {
        return Err(DatabaseError::Unmetered);
    }
    let told = rows.into_iter().filter_map(|row| Some((row.project.clone()?, Activity::from(row))));
    Ok(told.collect())
}

impl From<Row> for Activity {
    fn from(row: Row) -> Self {
        // Clocks of several machines: one that is behind makes a wait of less than nothing.
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Self {
            queued: row.queued.unsigned_abs(),
            running: row.running.unsigned_abs(),
            oldest: row.oldest.map(seconds),
            began_in_minute: row.began_in_minute.unsigned_abs(),
            queue_wait_p95: row.queue_wait_p95.map(seconds),
            duration_p95: row.duration_p95.map(seconds),
            succeeded: row.succeeded.unsigned_abs(),
            failed: row.failed.unsigned_abs(),
        }
    }
}
