//! A tenant whose own n8n is lost, or cannot be brought back soon enough, falls back into one that is shared.
//!
//! Nothing of its own n8n is needed but what it had: its database, or, where that cannot be read, the newest backup. Its callers are held or told to come
//! back, whatever of it still runs is stopped, it becomes somebody in an n8n that is shared, and what it had is brought there, with the same workflows active.
//! What does not come along is told, by name. What is left of its own n8n is kept for a day. The way back is a promotion. Why it is so: ADR 66.

mod begin;
mod bring;
mod halt;
mod source;
mod switch;

use common::{
    id::BackupId,
    operations::{Saga, Step},
};
use n8n::copies::Brought;
use wire::kinds::TenantFailover;

use crate::{
    World,
    home::{Former, Lived},
};

/// From an n8n of its own to a part of a shared one.
pub struct FailoverTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct FailedOver {
    /// Where it is going to live.
    #[serde(default)]
    pub place: Option<Lived>,
    /// To whom its callers' paths led beside itself, from a time when it shared an n8n.
    #[serde(default)]
    pub former: Option<Former>,
    /// What it is brought from.
    #[serde(default)]
    pub source: Option<Source>,
    /// What came, and what did not.
    #[serde(default)]
    pub brought: Brought,
}

/// The last good copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The database that its own n8n worked on.
    Database,
    /// This backup.
    Backup(BackupId),
}

impl Saga for FailoverTenant {
    type World = World;
    type State = FailedOver;
    type Request = TenantFailover;

    fn steps(&self, _: &TenantFailover) -> Vec<&dyn Step<Self>> {
        vec![
            &begin::Begin,
            &begin::Place,
            &halt::Hold,
            &halt::Stop,
            &source::Choose,
            &source::Load,
            &begin::Former,
            &bring::Join,
            &bring::Bring,
            &bring::Revive,
            &switch::Switch,
            &switch::Route,
            &switch::Done,
        ]
    }
}
