//! A tenant that was moved into an n8n of its own goes back into the one that it shared, where everything is as it was when it left.
//!
//! What it did since is not carried back: it is in a backup that is made first, and what it is is told, by name. What waited when it left waits there again
//! if it has not gone on since. Whatever goes wrong until callers reach it there ends with its own n8n as before. Why it is so: ADR 64.

mod begin;
mod changes;
mod halt;
mod switch;

use common::{
    id::BackupId,
    operations::{Saga, Step},
};
use n8n::copies::Changes;
use time::OffsetDateTime;
use wire::kinds::TenantRollback;

use crate::{World, halt::Arriving, home::Lived};

/// From an n8n of its own to the part of a shared one that it had.
pub struct RollbackTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct RolledBack {
    /// Of its own n8n, with all that it did there.
    #[serde(default)]
    pub backup: Option<BackupId>,
    /// Where it lived, and lives again.
    #[serde(default)]
    pub lived: Option<Lived>,
    /// Whether its executions went along.
    #[serde(default)]
    pub executions: bool,
    /// What it did since.
    #[serde(default)]
    pub changes: Changes,
    /// What was on its way when callers were led elsewhere.
    #[serde(default)]
    pub arriving: Arriving,
    /// Since when executions are let end.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub draining_since: Option<OffsetDateTime>,
}

impl Saga for RollbackTenant {
    type World = World;
    type State = RolledBack;
    type Request = TenantRollback;

    fn steps(&self, _: &TenantRollback) -> Vec<&dyn Step<Self>> {
        vec![
            &begin::Begin,
            &begin::Backup,
            &halt::Hold,
            &halt::Main,
            &halt::Drain,
            &halt::Workers,
            &changes::Compare,
            &changes::Revive,
            &switch::Switch,
            &switch::Route,
            &switch::Done,
        ]
    }
}
