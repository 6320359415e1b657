//! What the record says of one cluster, as far as a pass needs it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use common::{id::TenantId, operations::StepError};
use engine::Inventory;
use sqlx::PgPool;

use super::notes::Noted;
use crate::store::{expected, removals};

/// The rows, read after the world was looked at.
#[derive(Debug, Default)]
pub struct Rows {
    /// Tenants that have a place in this cluster.
    pub tenants: BTreeMap<TenantId, Expected>,
    /// Those of the tenants that the engine shows which have a row at all, and whether they are gone for good.
    pub seen: HashMap<TenantId, Presence>,
    /// Operations that heal and have not ended.
    pub healing: usize,
    /// Tenants whose remains were removed within the hour.
    pub removed: HashSet<TenantId>,
}

/// What should be there for a tenant.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Whether it should be running.
    pub active: bool,
    /// Whether an operation waits for it or works on it.
    pub busy: bool,
    pub wanted: Vec<Wanted>,
    pub trouble: Option<Trouble>,
}

/// A container that should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub cpu_millis: u32,
    pub memory_mb: u32,
    pub noted: Noted,
}

/// A tenant that healing has not helped yet, or that was renewed and has not proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// Since when, by the record's clock.
    pub age: Duration,
    /// How often it was healed; not at all: it was only renewed.
    pub heals: u32,
    /// Whether it may be healed again already.
    pub healable: bool,
    /// Whether it is shown as unhealthy.
    pub shown: bool,
}

/// What the record knows of a tenant that the engine shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It may own something here.
    Alive,
    /// It failed, was deleted, or lives in another cluster, and nothing works on it.
    Gone,
}

impl Expected {
    /// Whether it should be running and nothing works on it.
    pub fn is_settled(&self) -> bool {
        self.active && !self.busy
    }
}

impl Rows {
    /// The rows as they are now, with regard to what the engine shows.
    pub async fn read(pool: &PgPool, cluster: &str, inventory: &Inventory) -> Result<Self, StepError> {
        let seen: Vec<_> = inventory.tenants().into_iter().collect();
        Ok(Self {
            tenants: expected::tenants(pool, cluster).await?,
            seen: expected::presence(pool, cluster, &seen).await?,
            healing: expected::healing(pool, cluster).await?,
            removed: removals::lately(pool, cluster).await?,
        })
    }
}
