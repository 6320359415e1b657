//! What was counted, by the hour.

use std::time::Duration;

use common::tenant::{ExecutionKind, HOURS_KEPT};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row as _};
use time::OffsetDateTime;

use super::{HourCount, Metered};
use crate::databases::{DatabaseError, refused};

/// What is written down may be seen later than what was written after it, by as long as a statement of n8n's takes. Several times that.
const OVERLAP: Duration = Duration::from_secs(300);

/// Hours of UTC, whatever the server's zone is; none that is yet to come, nor one that the record has forgotten, whatever the table says.
const HOURS: &str = "
    WITH changed AS MATERIALIZED (
        SELECT DISTINCT date_trunc('hour', started_at, 'UTC') AS hour FROM rp9.execution
         WHERE source = rp9.source() AND started_at > now() - make_interval(days => $2) AND started_at < now() + interval '1 hour' AND ($1::timestamptz IS NULL OR changed_at >= $1))
    SELECT e.project_id::text AS project, c.hour, e.kind, count(*) AS executions,
           count(*) FILTER (WHERE e.state = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE e.state = 'failed') AS failed,
           count(*) FILTER (WHERE e.state = 'canceled') AS canceled,
           count(*) FILTER (WHERE e.state = 'discarded') AS discarded,
           coalesce(sum(extract(epoch FROM least(e.stopped_at, now() + interval '1 minute') - e.started_at - e.waited) * 1000)
                        FILTER (WHERE e.stopped_at > e.started_at + e.waited), 0)::bigint AS run_ms
      FROM changed c
      JOIN rp9.execution e ON e.source = rp9.source() AND e.started_at >= c.hour AND e.started_at < c.hour + interval '1 hour'
     GROUP BY e.project_id, c.hour, e.kind";

impl FromRow<'_, PgRow> for HourCount {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let count = |column: &str| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        let kind: ExecutionKind =
            row.try_get::<&str, _>("kind")?.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Self {
            project: row.try_get("project")?,
            hour: row.try_get("hour")?,
            kind,
            executions: count("executions")?,
            succeeded: count("succeeded")?,
            failed: count("failed")?,
            canceled: count("canceled")?,
            discarded: count("discarded")?,
            run: Duration::from_millis(count("run_ms")?),
        })
    }
}

pub(super) async fn changed(
    connection: &mut PgConnection,
    since: Option<OffsetDateTime>,
) -> Result<Metered, DatabaseError> {
    // Before the look: what is written during it is left to the next one.
    let now = sqlx::query_as("SELECT rp9.source(), clock_timestamp() - make_interval(secs => $1)");
    let (source, until) = now
        .bind(OVERLAP.as_secs_f64())
        .fetch_one(&mut *connection)
        .await
        .map_err(refused("look at a meter"))?;
    // A day less: what the record forgets is not told to it again.
    let days = i32::try_from(HOURS_KEPT.whole_days() - 1).unwrap_or(i32::MAX);
    let hours = sqlx::query_as(HOURS).bind(since).bind(days).fetch_all(connection).await;
    Ok(Metered { source, until, hours: hours.map_err(refused("read a meter"))? })
}

/// By whole hours, so that no hour is told with a part of it missing.
pub(super) async fn forget(
    connection: &mut PgConnection,
    before: OffsetDateTime,
) -> Result<u64, DatabaseError> {
    let forget = sqlx::query(
        "DELETE FROM rp9.execution
          WHERE (started_at < date_trunc('hour', $1::timestamptz, 'UTC') OR started_at IS NULL AND changed_at < $1)
            AND state NOT IN ('queued', 'running', 'waiting')",
    );
    let forgot = forget.bind(before).execute(connection).await.map_err(refused("forget executions"))?;
    Ok(forgot.rows_affected())
}
