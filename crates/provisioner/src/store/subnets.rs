//! Which subnet is whose.

use std::collections::HashSet;

use common::{
    error::{Classify, Kind},
    id::TenantId,
};
use ipnet::{IpNet, Ipv4Net};
use sqlx::PgConnection;

use crate::config::{SUBNET_LENGTH, Site};

/// A tenant cannot be given a subnet.
#[derive(Debug, thiserror::Error)]
pub enum SubnetError {
    #[error("every subnet of this cluster is in use")]
    Exhausted,
    #[error("another tenant was given the same subnet in the same moment")]
    Raced,
    #[error("the record cannot be used")]
    Database(#[from] sqlx::Error),
}

impl Classify for SubnetError {
    fn kind(&self) -> Kind {
        match self {
            // Somebody may leave; the operation's deadline bounds the wait.
            Self::Exhausted | Self::Raced => Kind::Unavailable,
            Self::Database(error) => error.kind(),
        }
    }

    fn public_detail(&self) -> String {
        match self {
            Self::Exhausted => "This cluster has no room for another tenant's network.".into(),
            Self::Raced | Self::Database(_) => "A dependency is not answering. Try again later.".into(),
        }
    }
}

/// Gives the tenant the first free subnet of this cluster, or leaves it the one it has. In a transaction: until it is over,
/// others wait, because they would all choose the same one.
pub async fn ensure(connection: &mut PgConnection, site: &Site, tenant: TenantId) -> Result<(), SubnetError> {
    let turn = "select pg_advisory_xact_lock(hashtextextended('rp9/subnets/' || $1, 0))";
    sqlx::query(turn).bind(site.cluster.as_str()).execute(&mut *connection).await?;
    let taken = "select subnet from tenants where cluster_id = $1 and subnet is not null";
    let taken: HashSet<IpNet> = sqlx::query_scalar(taken)
        .bind(site.cluster.as_str())
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .collect();
    let free = first_free(site.subnets, &taken).ok_or(SubnetError::Exhausted)?;
    let give = "update tenants set subnet = $3, cluster_id = $2, updated_at = now() where id = $1 and subnet is null";
    let given = sqlx::query(give)
        .bind(tenant)
        .bind(site.cluster.as_str())
        .bind(IpNet::V4(free))
        .execute(connection)
        .await;
    match given {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(e)) if e.constraint() == Some("tenants_subnet_taken") => {
            Err(SubnetError::Raced)
        }
        Err(error) => Err(error.into()),
    }
}

/// The platform's own subnet: where templates are migrated.
pub fn of_platform(site: &Site) -> Option<Ipv4Net> {
    site.subnets.subnets(SUBNET_LENGTH).ok()?.next()
}

fn first_free(range: Ipv4Net, taken: &HashSet<IpNet>) -> Option<Ipv4Net> {
    range.subnets(SUBNET_LENGTH).ok()?.skip(1).find(|subnet| !taken.contains(&IpNet::V4(*subnet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hole_is_filled_and_the_platform_keeps_its_own() {
        let range: Ipv4Net = "10.201.0.0/26".parse().unwrap();
        let all: Vec<IpNet> = range.subnets(SUBNET_LENGTH).unwrap().map(IpNet::V4).collect();
        assert_eq!(first_free(range, &HashSet::new()).map(IpNet::V4), Some(all[1]));
        assert_eq!(first_free(range, &HashSet::from([all[1], all[3]])).map(IpNet::V4), Some(all[2]));
        assert_eq!(first_free(range, &all.into_iter().skip(1).collect()), None);
    }
}
