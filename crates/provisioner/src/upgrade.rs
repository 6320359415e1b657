//! A tenant's n8n becomes a later release of it.
//!
//! What can go wrong is tried on a copy first: a backup is made and loaded beside what is in use, the new release brings that copy to its tables, and the
//! former release is started on the result. If it starts, there is a way back without the database; if not, the database as it was is kept until the
//! new release has shown that it runs. Only then the tenant stops: calls are held or told to come back, what was accepted runs to its end, and the
//! new release takes the place of the former one. Whatever goes wrong until callers reach it again ends with the former release. Why it is so: ADR 63.

mod begin;
mod change;
mod finish;
mod halt;
mod rehearse;

use common::{
    id::BackupId,
    operations::{Saga, Step},
};
use n8n::{Version, databases::Counts};
use time::OffsetDateTime;
use wire::kinds::TenantUpgrade;

use crate::World;

/// From a tenant on one release to the same tenant on a later one.
pub struct UpgradeTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Upgraded {
    /// What it ran before.
    #[serde(default)]
    pub from: Option<Version>,
    /// Made before anything was done.
    #[serde(default)]
    pub backup: Option<BackupId>,
    /// What the rehearsal showed.
    #[serde(default)]
    pub way_back: Option<WayBack>,
    /// What it had when it stopped.
    #[serde(default)]
    pub counts: Counts,
    /// Since when callers are let get their answers.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub answering_since: Option<OffsetDateTime>,
    /// Since when executions are let end.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub draining_since: Option<OffsetDateTime>,
}

/// How a tenant gets back to the release that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// That release starts on what the new one has made of the database: nothing that happened since is lost.
    ReRoute,
    /// It does not: the database as it was before takes the place of the one that was changed.
    Snapshot,
}

impl WayBack {
    /// The word in the state and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReRoute => "re_route",
            Self::Snapshot => "snapshot",
        }
    }
}

impl Saga for UpgradeTenant {
    type World = World;
    type State = Upgraded;
    type Request = TenantUpgrade;

    fn steps(&self, _: &TenantUpgrade) -> Vec<&dyn Step<Self>> {
        vec![
            &begin::Begin,
            &rehearse::Backup,
            &rehearse::Load,
            &rehearse::Rehearse,
            &halt::Hold,
            &halt::Answer,
            &halt::Main,
            &halt::Drain,
            &halt::Workers,
            &change::Snapshot,
            &change::ChangeVersion,
            &change::Start,
            &finish::Check,
            &halt::Route,
            &finish::Done,
        ]
    }
}
