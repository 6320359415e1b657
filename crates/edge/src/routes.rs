//! The table of routes. The edge's document is made of it and of nothing else.

mod row;

use common::error::{Classify, Kind};
use common::id::TenantId;
use common::public_address::PublicAddress;
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor};

use crate::{Host, Route, Snapshot, StandIn};
use row::Row;

/// What became of a route that was to be put in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a later change may stand there"]
pub enum Ensured {
    /// The table holds exactly this route.
    Stored,
    /// The table holds another change of this route, made with this generation or a later one, and keeps it.
    Superseded { by: i64 },
}

/// Why the table of routes did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    #[error("the host {0} belongs to another tenant")]
    HostTaken(Host),
    /// Somebody put or removed this very route in the same moment.
    #[error("the route of {0} changed meanwhile")]
    Raced(Host),
    /// Nobody could tell whose routes these are.
    #[error("the record has no identity")]
    Nameless,
    #[error("the table of routes cannot be used")]
    Database(#[source] sqlx::Error),
}

impl Classify for RoutesError {
    fn kind(&self) -> Kind {
        match self {
            Self::HostTaken(_) => Kind::Conflict,
            Self::Raced(_) => Kind::Unavailable,
            Self::Nameless => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }
}

#[derive(FromRow)]
struct Put {
    stored: bool,
    tenant_id: Option<TenantId>,
    same: Option<bool>,
    generation: Option<i64>,
}

/// Puts the route in the table, unless a change as late or later is there already.
pub async fn ensure(executor: impl PgExecutor<'_>, route: &Route) -> Result<Ensured, RoutesError> {
    // The second half sees the table as it was before, which matters only when nothing was stored.
    let put: Put = sqlx::query_as(
        "WITH put AS (
             INSERT INTO routes (host, tenant_id, targets, generation, stand_in, updated_at)
             VALUES ($1, $2, $3, $4, $5, now())
             ON CONFLICT (host) DO UPDATE
                SET targets = excluded.targets, generation = excluded.generation, stand_in = excluded.stand_in,
                    updated_at = now()
              WHERE routes.tenant_id = excluded.tenant_id AND routes.generation < excluded.generation
             RETURNING host)
         SELECT EXISTS (SELECT FROM put) AS stored, r.tenant_id, r.generation,
                r.targets = $3 AND r.generation = $4 AND r.stand_in IS NOT DISTINCT FROM $5 AS same
           FROM (SELECT) AS always LEFT JOIN routes r ON r.host = $1",
    )
    .bind(route.host.as_str())
    .bind(route.tenant)
    .bind(Json(&route.targets))
    .bind(route.generation)
    .bind(route.stand_in.map(StandIn::as_str))
    .fetch_one(executor)
    .await
    .map_err(RoutesError::Database)?;
    outcome(route, &put)
}

fn outcome(route: &Route, put: &Put) -> Result<Ensured, RoutesError> {
    if put.stored {
        return Ok(Ensured::Stored);
    }
    match (put.tenant_id, put.generation) {
        (Some(tenant), _) if tenant != route.tenant => Err(RoutesError::HostTaken(route.host.clone())),
        (Some(_), Some(_)) if put.same == Some(true) => Ok(Ensured::Stored),
        (Some(_), Some(by)) if by >= route.generation => Ok(Ensured::Superseded { by }),
        _ => Err(RoutesError::Raced(route.host.clone())),
    }
}

/// Do any of these hosts lead elsewhere at present? Then only routes of a later generation take their place.
pub async fn differ(executor: impl PgExecutor<'_>, routes: &[Route]) -> Result<bool, RoutesError> {
    let hosts: Vec<&str> = routes.iter().map(|route| route.host.as_str()).collect();
    let targets: Vec<_> = routes.iter().map(|route| Json(&route.targets)).collect();
    let stand_ins: Vec<_> = routes.iter().map(|route| route.stand_in.map(StandIn::as_str)).collect();
    let differ = "SELECT EXISTS (
        SELECT FROM unnest($1::text[], $2::jsonb[], $3::text[]) AS wanted (host, targets, stand_in) JOIN routes r USING (host)
         WHERE r.targets <> wanted.targets OR r.stand_in IS DISTINCT FROM wanted.stand_in)";
    let differ = sqlx::query_scalar(differ).bind(hosts).bind(targets).bind(stand_ins);
    differ.fetch_one(executor).await.map_err(RoutesError::Database)
}

/// Where does this host lead?
pub async fn find(
    executor: impl PgExecutor<'_>,
    host: &Host,
    public: &PublicAddress,
) -> Result<Option<Route>, RoutesError> {
    let find = concat!(row::columns!(), " FROM record_identity i, ", row::routes!(), " WHERE r.host = $1");
    let found = sqlx::query_as(find).bind(host.as_str()).fetch_optional(executor).await;
    let row: Option<Row> = found.map_err(RoutesError::Database)?;
    Ok(row.and_then(|row| row.read(public)))
}

/// On which hosts is the tenant reached?
pub async fn hosts(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Vec<String>, RoutesError> {
    let hosts = sqlx::query_scalar("SELECT host FROM routes WHERE tenant_id = $1 ORDER BY host").bind(tenant);
    hosts.fetch_all(executor).await.map_err(RoutesError::Database)
}

/// Takes the routes of the tenant out of the table that are not for one of these hosts: it has given them up.
pub async fn remove_others(
    executor: impl PgExecutor<'_>,
    tenant: TenantId,
    kept: &[Route],
) -> Result<(), RoutesError> {
    let hosts: Vec<&str> = kept.iter().map(|route| route.host.as_str()).collect();
    let removal = sqlx::query("DELETE FROM routes WHERE tenant_id = $1 AND host <> ALL ($2)");
    removal.bind(tenant).bind(hosts).execute(executor).await.map(drop).map_err(RoutesError::Database)
}

/// Takes every route of the tenant out of the table.
pub async fn remove(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), RoutesError> {
    let removal = sqlx::query("DELETE FROM routes WHERE tenant_id = $1").bind(tenant);
    removal.execute(executor).await.map(drop).map_err(RoutesError::Database)
}

/// Every route, or those of the tenants in one cluster, in the order of hosts, and which record they are of, seen in the same moment. Who left
/// is asked afterwards ([`left`]).
///
/// A row that does not read is left out and logged: one bad row must not take every tenant off the edge.
pub async fn snapshot(
    executor: impl PgExecutor<'_>,
    cluster: Option<&str>,
    public: &PublicAddress,
) -> Result<Snapshot, RoutesError> {
    let all = concat!(
        row::columns!(),
        " FROM record_identity i LEFT JOIN (",
        row::routes!(),
        ") ON $1::text IS NULL OR t.cluster_id = $1 ORDER BY r.host"
    );
    let found = sqlx::query_as(all).bind(cluster).fetch_all(executor).await;
    let rows: Vec<Row> = found.map_err(RoutesError::Database)?;
    let record = rows.first().ok_or(RoutesError::Nameless)?.record;
    let routes = rows.into_iter().filter_map(|row| row.read(public)).collect();
    Ok(Snapshot { record, routes, left: Vec::new() })
}

/// Who left within the last day, or never came, in any cluster: where they were is not noted of all of them. Asked after the routes, because
/// whoever's route is missing for that reason was noted before.
pub async fn left(executor: impl PgExecutor<'_>) -> Result<Vec<TenantId>, RoutesError> {
    let left = "SELECT id FROM tenants WHERE status IN ('failed', 'deleting', 'deleted') AND updated_at > now() - interval '1 day'
                ORDER BY id";
    sqlx::query_scalar(left).fetch_all(executor).await.map_err(RoutesError::Database)
}
