//! Whose callers wait, and who has two sides, as the record has it.

use std::collections::BTreeMap;

use common::id::TenantId;
use edge::StandIn;
use sqlx::{FromRow, PgExecutor};

use super::drift::in_the_way;

/// How many tenants' callers wait for the same reason.
#[derive(Debug, Default, PartialEq, PartialOrd)]
pub struct Waiting {
    pub tenants: i64,
    /// For how long, of the one whose callers have waited longest, in seconds.
    pub seconds: f64,
}

/// Those of this cluster, by what stands in for them. Whoever is suspended is not waited for.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
    cluster: &str,
) -> Result<BTreeMap<String, Waiting>, sqlx::Error> {
    let waiting = "select r.stand_in, count(distinct r.tenant_id), extract(epoch from clock_timestamp() - min(r.updated_at))::float8
                     from routes r join tenants t on t.id = r.tenant_id
                    where r.stand_in <> $2 and t.cluster_id = $1 group by r.stand_in";
    let waiting = sqlx::query_as(waiting).bind(cluster).bind(StandIn::Suspended.as_str());
    let waiting: Vec<(String, i64, f64)> = waiting.fetch_all(executor).await?;
    Ok(waiting
        .into_iter()
        .map(|(stand_in, tenants, seconds)| (stand_in, Waiting { tenants, seconds }))
        .collect())
}

/// For how long this tenant's callers have waited, in seconds; `None` if they do not.
pub async fn waited(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Option<f64>, sqlx::Error> {
    let waited = "select extract(epoch from clock_timestamp() - min(updated_at))::float8 from routes
                   where tenant_id = $1 and stand_in <> $2";
    let waited = sqlx::query_scalar(waited).bind(tenant).bind(StandIn::Suspended.as_str());
    waited.fetch_one(executor).await
}

/// Tenants of this cluster with a second side.
#[derive(Debug, FromRow, PartialEq, Eq)]
pub struct Sides {
    /// Something is done to them.
    pub changing: i64,
    /// A person says what becomes of it.
    pub standing: i64,
}

/// How many have one.
pub async fn sides(executor: impl PgExecutor<'_>, cluster: &str) -> Result<Sides, sqlx::Error> {
    let sides = concat!(
        "select count(*) filter (where busy) as changing, count(*) filter (where not busy) as standing
           from (select exists (select from operations o where o.tenant_id = t.id and ",
        in_the_way!(),
        ") as busy from tenants t where t.second_version is not null and t.cluster_id = $1) as two"
    );
    sqlx::query_as(sides).bind(cluster).fetch_one(executor).await
}
