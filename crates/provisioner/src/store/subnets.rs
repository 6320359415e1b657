//! Which subnet is whose.
//!
//! The record knows what it gave away, and not what others use: a range that turns out to be taken is noted, passed over for
//! an hour, and whoever had been given it gets another.

use std::collections::HashSet;

use common::{
    error::{Classify, Kind},
    id::TenantId,
};
use ipnet::{IpNet, Ipv4Net};
use sqlx::{PgConnection, PgExecutor};

use crate::config::{SUBNET_LENGTH, Site};

/// So many ranges in a row are found taken before an attempt gives up; all of them are noted.
pub const EXCHANGES: usize = 32;

/// So many may be given away at the same time.
const CANDIDATES: usize = 64;

/// A tenant cannot be given a subnet.
#[derive(Debug, thiserror::Error)]
pub enum SubnetError {
    #[error("every subnet of this cluster is in use")]
    Exhausted,
    #[error("{EXCHANGES} subnets in a row are in use by networks that are not of this cluster")]
    Squatted,
    #[error("another tenant was given the same subnet in the same moment")]
    Raced,
    #[error("the tenant has no place in this cluster")]
    Elsewhere,
    #[error("the record cannot be used")]
    Database(#[from] sqlx::Error),
}

impl Classify for SubnetError {
    fn kind(&self) -> Kind {
        match self {
            // Somebody may leave; the operation's deadline bounds the wait.
            Self::Exhausted | Self::Squatted | Self::Raced => Kind::Unavailable,
            Self::Elsewhere => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exhausted | Self::Squatted => {
                Some("Remove other networks from the range TENANT_SUBNETS, or tenants from the cluster.")
            }
            Self::Raced | Self::Elsewhere | Self::Database(_) => None,
        }
    }

    fn public_detail(&self) -> String {
        match self {
            Self::Exhausted | Self::Squatted => {
                "This cluster has no room for another tenant's network.".into()
            }
            Self::Raced | Self::Elsewhere | Self::Database(_) => {
                "A dependency is not answering. Try again later.".into()
            }
        }
    }
}

/// Gives the tenant, which has its place in this cluster, the first free subnet of it that nobody else is being given, or leaves it the one it has. In
/// a transaction.
pub async fn ensure(connection: &mut PgConnection, site: &Site, tenant: TenantId) -> Result<(), SubnetError> {
    let has = "select exists (select from tenants where id = $1 and cluster_id = $2 and subnet is not null)";
    let has = sqlx::query_scalar(has).bind(tenant).bind(site.cluster.as_str());
    if has.fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let free = free(connection, site).await?;
    let give = "update tenants set subnet = $3, updated_at = now()
                where id = $1 and cluster_id = $2 and subnet is null";
    let given = sqlx::query(give)
        .bind(tenant)
        .bind(site.cluster.as_str())
        .bind(IpNet::V4(free))
        .execute(connection)
        .await;
    match given {
        Ok(given) if given.rows_affected() == 0 => Err(SubnetError::Elsewhere),
        Ok(_) => Ok(()),
        // By a release that holds all of them at a time.
        Err(sqlx::Error::Database(e)) if e.constraint() == Some("tenants_subnet_taken") => {
            Err(SubnetError::Raced)
        }
        Err(error) => Err(error.into()),
    }
}

/// It needs none any more.
pub async fn give_back(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<(), sqlx::Error> {
    let back = sqlx::query("update tenants set subnet = null, updated_at = now() where id = $1").bind(tenant);
    back.execute(executor).await.map(drop)
}

/// Takes a range that is somebody else's away from the tenant, if it has some of it, and gives it another. In a transaction,
/// like [`ensure`], after [`note`] in one of its own.
pub async fn exchange(
    connection: &mut PgConnection,
    site: &Site,
    tenant: TenantId,
    taken: Ipv4Net,
) -> Result<(), SubnetError> {
    let has = "select exists (select from tenants where id = $1 and subnet && $2)";
    let has = sqlx::query_scalar(has).bind(tenant).bind(IpNet::V4(taken));
    if !has.fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let free = free(connection, site).await?;
    let give = "update tenants set subnet = $2, updated_at = now() where id = $1 and subnet && $3";
    sqlx::query(give).bind(tenant).bind(IpNet::V4(free)).bind(IpNet::V4(taken)).execute(connection).await?;
    Ok(())
}

/// The platform's own subnet: where templates are migrated. `None` for a range that cannot be cut.
pub async fn of_platform(executor: impl PgExecutor<'_>, site: &Site) -> Result<Option<Ipv4Net>, sqlx::Error> {
    let noted = sqlx::query_scalar("select platform_subnet from clusters where id = $1");
    let noted: Option<Option<IpNet>> = noted.bind(site.cluster.as_str()).fetch_optional(executor).await?;
    Ok(match noted.flatten() {
        Some(IpNet::V4(subnet)) => Some(subnet),
        Some(IpNet::V6(_)) | None => first(site),
    })
}

/// What the platform has as long as nothing else is noted: by the range that this process was told, which the record may not know yet.
fn first(site: &Site) -> Option<Ipv4Net> {
    cuts(site.subnets).next()
}

/// The same as [`exchange`] for the platform itself.
pub async fn exchange_platform(
    connection: &mut PgConnection,
    site: &Site,
    taken: Ipv4Net,
) -> Result<(), SubnetError> {
    if of_platform(&mut *connection, site).await?.is_none_or(|has| !overlap(IpNet::V4(has), taken)) {
        return Ok(());
    }
    let free = free(connection, site).await?;
    let give = "update clusters set platform_subnet = $2
                where id = $1 and coalesce(platform_subnet, $4) && $3";
    sqlx::query(give)
        .bind(site.cluster.as_str())
        .bind(IpNet::V4(free))
        .bind(IpNet::V4(taken))
        .bind(first(site).map(IpNet::V4))
        .execute(connection)
        .await?;
    Ok(())
}

/// How many tenants have room in the range, whoever has how much of it now.
pub async fn usable(executor: impl PgExecutor<'_>, site: &Site) -> Result<usize, sqlx::Error> {
    let foreign = sqlx::query_scalar(
        "select subnet from foreign_subnets where cluster_id = $1 and seen_at > now() - interval '1 hour'",
    );
    let foreign: Vec<IpNet> = foreign.bind(site.cluster.as_str()).fetch_all(executor).await?;
    let usable = cuts(site.subnets).filter(|cut| !foreign.iter().any(|taken| overlap(*taken, *cut)));
    // The platform has one.
    Ok(usable.count().saturating_sub(1))
}

/// Somebody else's network was found here. That stays true when there turns out to be no other range: what the cluster tells of its room
/// counts it.
pub async fn note(executor: impl PgExecutor<'_>, site: &Site, taken: Ipv4Net) -> Result<(), sqlx::Error> {
    tracing::warn!(subnet = %taken, "a network that is not of this cluster has addresses of its range");
    let note = "insert into foreign_subnets (cluster_id, subnet) values ($1, $2)
                on conflict (cluster_id, subnet) do update set seen_at = now()";
    let note = sqlx::query(note).bind(site.cluster.as_str()).bind(IpNet::V4(taken));
    note.execute(executor).await.map(drop)
}

/// A subnet that nobody has or is being given, for as long as the transaction lasts.
///
/// Nobody waits for anybody here: whoever stopped in the middle of this would keep all others from it, and they would lose their leases.
async fn free(connection: &mut PgConnection, site: &Site) -> Result<Ipv4Net, SubnetError> {
    let mut candidates = first_free(connection, site).await?;
    if candidates.is_empty() {
        return Err(SubnetError::Exhausted);
    }
    while let Some(held) = hold(connection, site, &candidates).await? {
        // Whoever held it before may have been given it since it was looked for.
        candidates = first_free(connection, site).await?;
        if candidates.contains(&held) {
            return Ok(held);
        }
    }
    Err(SubnetError::Raced)
}

/// The first of these that nobody else is being given: from now on nobody is, until the transaction is over.
async fn hold(
    connection: &mut PgConnection,
    site: &Site,
    candidates: &[Ipv4Net],
) -> Result<Option<Ipv4Net>, SubnetError> {
    let hold = "select candidate from unnest($2::cidr[]) candidate
                 where pg_try_advisory_xact_lock(hashtextextended('rp9/subnets/' || $1 || '/' || candidate, 0)) limit 1";
    let candidates: Vec<_> = candidates.iter().copied().map(IpNet::V4).collect();
    let hold = sqlx::query_scalar(hold).bind(site.cluster.as_str()).bind(candidates);
    let held: Option<IpNet> = hold.fetch_optional(connection).await?;
    Ok(held.and_then(|held| match held {
        IpNet::V4(held) => Some(held),
        IpNet::V6(_) => None,
    }))
}

/// The first so many that were not given away and that no other network has addresses of.
async fn first_free(connection: &mut PgConnection, site: &Site) -> Result<Vec<Ipv4Net>, SubnetError> {
    let taken = "select subnet, true as given from tenants where cluster_id = $1 and subnet is not null
                 union all
                 select subnet, false from foreign_subnets where cluster_id = $1 and seen_at > now() - interval '1 hour'
                 union all
                 select coalesce((select platform_subnet from clusters where id = $1), $2), false";
    let taken = sqlx::query_as(taken).bind(site.cluster.as_str()).bind(first(site).map(IpNet::V4));
    let taken: Vec<(Option<IpNet>, bool)> = taken.fetch_all(connection).await?;
    let of =
        |wanted: bool| taken.iter().filter(move |(_, given)| *given == wanted).filter_map(|(net, _)| *net);
    let (given, others): (_, Vec<_>) = (of(true).collect(), of(false).collect());
    Ok(free_cuts(site.subnets, &given, &others).take(CANDIDATES).collect())
}

/// Those cuts that were not given away and that no other network has addresses of.
fn free_cuts(range: Ipv4Net, given: &HashSet<IpNet>, others: &[IpNet]) -> impl Iterator<Item = Ipv4Net> {
    let free = cuts(range).filter(|cut| !given.contains(&IpNet::V4(*cut)));
    free.filter(|cut| !others.iter().any(|taken| overlap(*taken, *cut)))
}

fn cuts(range: Ipv4Net) -> impl Iterator<Item = Ipv4Net> {
    range.subnets(SUBNET_LENGTH).into_iter().flatten()
}

fn overlap(one: IpNet, other: Ipv4Net) -> bool {
    let other = IpNet::V4(other);
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hole_is_filled_and_what_others_have_is_passed_over() {
        let range: Ipv4Net = "10.201.0.0/26".parse().unwrap();
        let all: Vec<Ipv4Net> = cuts(range).collect();
        let nets = |indices: &[usize]| indices.iter().map(|&i| IpNet::V4(all[i])).collect::<Vec<_>>();
        let wide: IpNet = "10.201.0.0/27".parse().unwrap();
        let (narrow, outer): (IpNet, IpNet) =
            ("10.201.0.20/30".parse().unwrap(), "10.0.0.0/8".parse().unwrap());
        let cases = [
            (vec![], nets(&[0]), Some(1)),
            (nets(&[1, 3]), nets(&[0]), Some(2)),
            (vec![], vec![wide], Some(2)),
            (vec![], [nets(&[0]), vec![narrow]].concat(), Some(2)),
            (nets(&[2]), vec![wide], Some(3)),
            (nets(&[1, 2, 3]), nets(&[0]), None),
            (vec![], vec![outer], None),
        ];
        for (given, others, expected) in cases {
            let free = free_cuts(range, &given.iter().copied().collect(), &others).next();
            assert_eq!(free, expected.map(|i: usize| all[i]), "{given:?} given, {others:?} of others");
        }
    }
}
