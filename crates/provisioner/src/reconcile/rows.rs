//! What the record says of one cluster, as far as a pass needs it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use common::{id::TenantId, tenant::Purpose};
use n8n::members::{MemberLimits, Place};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};

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
    /// What it is there for: one that is shared has settings of its own.
    pub purpose: Purpose,
    /// Whether it should be running.
    pub active: bool,
    /// Whether an operation waits for it or works on it.
    pub busy: bool,
    pub wanted: Vec<Wanted>,
    /// Whether the collector saw just now that executions wait and nobody takes any.
    pub starves: bool,
    /// Instead of containers, of one who shares an n8n.
    pub part: Option<Part>,
    pub trouble: Option<Trouble>,
}

/// Who a tenant should be in the n8n that it shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub instance: TenantId,
    pub place: Place,
    pub limits: MemberLimits,
    /// Which its key tells.
    pub created_at: OffsetDateTime,
}

/// A container that should run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    /// Whether it takes what waits.
    pub is_worker: bool,
    pub cpu_millis: u32,
    pub memory_mb: u32,
    pub noted: Noted,
}

/// What a row says of its container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Noted {
    pub state: String,
    pub health: String,
    pub restarts: i64,
    pub engine_restarts: Option<i64>,
    #[serde(with = "rfc3339::option")]
    pub last_restart_at: Option<OffsetDateTime>,
    pub last_exit_code: Option<i64>,
    pub oom_killed: bool,
    pub oom_kills: i64,
    #[serde(with = "rfc3339::option")]
    pub last_oom_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    pub told_at: Option<OffsetDateTime>,
    /// When any of this last changed. Whoever writes is refused if it changed since.
    #[serde(with = "rfc3339::option")]
    pub seen_at: Option<OffsetDateTime>,
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
    /// Whether it should be running and nothing works on it. Of what a later release made is not known what it should be like.
    pub fn is_settled(&self) -> bool {
        self.active && !self.busy && self.purpose != Purpose::Unknown
    }
}
