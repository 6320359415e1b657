//! Restoring a tenant in place: what it has becomes what it was when a backup was made.
//!
//! The backup is read and loaded beside what is there while the tenant works on. Then it stops, what is there is backed up, and the two databases
//! change names, which either happens or does not. In an n8n that it shares, what it has is replaced in one transaction, after it was copied aside.
//! What was there before is kept until the operation has ended: all that goes wrong until then ends with the tenant as it was.

mod begin;
mod clearing;
mod finish;
mod own;
mod part;
mod parts;
mod rest;
mod switch;

use common::operations::{Saga, Step};
use n8n::databases::Counts;
use time::OffsetDateTime;
use wire::kinds::TenantRestore;

use crate::{World, halt::Arriving, store::rests::Rest};

pub use clearing::Clearing;

/// From a tenant as it is to a tenant as it was.
pub struct RestoreTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Restored {
    /// What the backup holds.
    #[serde(default)]
    pub counts: Counts,
    /// What was on its way when callers were led elsewhere.
    #[serde(default)]
    pub arriving: Arriving,
    /// Since when executions are let end.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub draining_since: Option<OffsetDateTime>,
    /// Of one that shares an n8n: what was active there before, or is from when it is resumed.
    #[serde(default)]
    pub rest: Rest,
    /// The same of what was restored.
    #[serde(default)]
    pub restored: Rest,
}

impl Saga for RestoreTenant {
    type World = World;
    type State = Restored;
    type Request = TenantRestore;

    fn steps(&self, request: &TenantRestore) -> Vec<&dyn Step<Self>> {
        let mut steps: Vec<&dyn Step<Self>> =
            vec![&begin::Begin, &parts::Load, &rest::Page, &rest::Main, &rest::Drain, &rest::Workers];
        if request.safety_backup {
            steps.push(&parts::SafetyBackup);
        }
        steps.extend([
            &switch::Switch as &dyn Step<Self>,
            &rest::Start,
            &finish::Check,
            &rest::Route,
            &finish::Done,
        ]);
        steps
    }
}
