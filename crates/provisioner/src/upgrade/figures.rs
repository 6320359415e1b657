//! What the record knows of a side beside the former one, and of the tenant's executions.

use common::{id::TenantId, tenant::Color};
use edge::calls::Answers;
use sqlx::{PgPool, types::Json};
use time::OffsetDateTime;

/// What the side of this color answered of calls to webhooks since then, on all hosts together.
pub async fn answered(
    record: &PgPool,
    tenant: TenantId,
    color: Color,
    since: OffsetDateTime,
) -> Result<Answers, sqlx::Error> {
    let read = "select s.host, s.read_at <= $3, s.started_at, s.answers from side_readings s
                 where s.tenant_id = $1 and s.color = $2 and s.webhooks order by s.host, s.read_at";
    let read: Vec<(String, bool, OffsetDateTime, Json<Answers>)> =
        sqlx::query_as(read).bind(tenant).bind(color.as_str()).bind(since).fetch_all(record).await?;
    let mut all = Answers::default();
    for host in read.chunk_by(|one, other| one.0 == other.0) {
        let Some((_, false, began, Json(last))) = host.last() else { continue };
        // What was counted by then. Nothing, if it was not called before, or the edge has begun anew since.
        let before = host.iter().rev().find(|(_, before, started, _)| *before && started == began);
        let before = before.map(|(.., Json(answers))| answers.clone()).unwrap_or_default();
        // A service that was taken away and came back counts from zero, too.
        all = all.and(&last.since(&before).unwrap_or_else(|| last.clone()));
    }
    Ok(all)
}

/// Of its executions, and of who counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lately {
    /// Which part of those that ended within the last quarter of an hour failed.
    pub failing: Option<f64>,
    /// Executions wait, and no worker takes one.
    pub workers_idle: bool,
    /// Whether the cluster's edge is read.
    pub is_counted: bool,
}

/// What was seen within the last minute.
pub async fn lately(record: &PgPool, tenant: TenantId, cluster: &str) -> Result<Lately, sqlx::Error> {
    let lately = "select 1 - s.success_rate_percent / 100, coalesce(s.workers_idle_while_waiting, false),
                         exists (select from edge_readings r where r.cluster_id = $2 and r.read_at > now() - interval '1 minute')
                    from (select) as always
                    left join tenant_samples s on s.tenant_id = $1 and s.at > now() - interval '1 minute'";
    let lately = sqlx::query_as(lately).bind(tenant).bind(cluster);
    let (failing, workers_idle, is_counted): (Option<f64>, bool, bool) = lately.fetch_one(record).await?;
    Ok(Lately { failing, workers_idle, is_counted })
}
