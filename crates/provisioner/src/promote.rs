//! A tenant moves out of an n8n that it shares into one of its own.
//!
//! Everything is made and tried while it works on: a backup, a place, a database filled with what it has, n8n started once on that. Then its callers are held or
//! told to come back, its triggers stop, what runs ends, and what it has by then is copied anew. Its own n8n starts on it with the same workflows active, and
//! only when that listens on as many webhooks its addresses lead there. Whatever goes wrong until then, or takes longer than callers may wait, ends where it
//! was. What it had there is kept for a day ([`crate::RetireTenant`]). Why it is so: ADR 64.

mod begin;
mod copy;
mod freeze;
mod home;
mod own;
mod switch;

pub use switch::KEPT;

use std::collections::BTreeSet;

use common::operations::{Saga, Step};
use n8n::{copies::Moved, members::ExecutionId};
use time::OffsetDateTime;
use wire::kinds::TenantPromote;

use crate::{World, home::Lived};

/// From a part of a shared n8n to an n8n of its own.
pub struct PromoteTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Promoted {
    /// Where it lived.
    #[serde(default)]
    pub lived: Option<Lived>,
    /// What the last copy brought.
    #[serde(default)]
    pub moved: Moved,
    /// Executions that wait and are taken along.
    #[serde(default)]
    pub aside: BTreeSet<ExecutionId>,
    /// Whether the last copy is there: its own n8n may have gone on with what waits since.
    #[serde(default)]
    pub copied: bool,
    /// How often in a row nothing was seen to run.
    #[serde(default)]
    pub quiet: u32,
    /// Since when its callers wait.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub frozen_at: Option<OffsetDateTime>,
}

impl Saga for PromoteTenant {
    type World = World;
    type State = Promoted;
    type Request = TenantPromote;

    fn steps(&self, _: &TenantPromote) -> Vec<&dyn Step<Self>> {
        vec![
            &begin::Begin,
            &begin::Backup,
            &home::Reserve,
            &home::Queue,
            &home::Network,
            &copy::FirstCopy,
            &copy::Rehearse,
            &freeze::Hold,
            &freeze::Silence,
            &freeze::Drain,
            &copy::LastCopy,
            &own::Start,
            &own::Listen,
            &switch::Switch,
            &switch::Route,
            &switch::Done,
        ]
    }
}
