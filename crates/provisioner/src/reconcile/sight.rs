//! One look at the world: each system by itself, so that one that is away hides nothing but itself.

use std::collections::{BTreeSet, HashSet};

use common::{error::chain, id::TenantId};
use engine::{ContainerError, Inventory, Selection};

use super::{PATIENCE, members::Members};
use crate::World;

/// What was seen. Without an inventory nothing can be said, so that one is there.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    pub inventory: Inventory,
    /// Tenants that have a login in Redis; `None` when that is not known.
    pub logins: Option<HashSet<TenantId>>,
    /// Tenants that have a role in Postgres; `None` when that is not known.
    pub roles: Option<HashSet<TenantId>>,
    /// Looked at last of all, by the rows.
    pub members: Members,
}

impl Sight {
    /// Looks at everything at once.
    pub async fn look(world: &World) -> Result<Self, ContainerError> {
        let (inventory, logins, roles) = tokio::join!(
            world.containers.observe(&world.site.cluster, Selection::ALL),
            seen(world.queues.observe()),
            seen(world.databases.observe()),
        );
        Ok(Self {
            inventory: inventory?,
            logins: logins.map(|logins| logins.into_iter().collect()),
            roles: roles.map(|seen| seen.roles.iter().map(|role| role.tenant()).collect()),
            members: Members::default(),
        })
    }

    /// Whether everything that containers need was there.
    pub fn is_whole(&self) -> bool {
        self.logins.is_some() && self.roles.is_some()
    }

    /// What could not be seen.
    pub fn blind_spots(&self) -> BTreeSet<&'static str> {
        let spots = [
            ("redis", self.logins.is_none()),
            ("tenant_postgres", self.roles.is_none()),
            ("shared_n8n", self.members.blind),
        ];
        spots.into_iter().filter(|(_, blind)| *blind).map(|(name, _)| name).collect()
    }
}

async fn seen<T, E: std::error::Error + 'static>(look: impl Future<Output = Result<T, E>>) -> Option<T> {
    let seen = tokio::time::timeout(PATIENCE, look).await.ok()?;
    seen.inspect_err(|error| tracing::debug!(error = chain(error), "a system could not be looked at")).ok()
}
