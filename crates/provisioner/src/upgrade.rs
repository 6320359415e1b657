//! A tenant's n8n becomes a later release of it.
//!
//! What can go wrong is tried on a copy first: a backup is made and loaded beside what is in use, the new release brings that copy to its tables, and the
//! former release is started on the result. If it starts, there is a way back without the database; if not, the database as it was is kept until the
//! new release has shown that it runs. Only then the tenant stops: calls are held or told to come back, what was accepted runs to its end, and the
//! new release takes the place of the former one. Whatever goes wrong until callers reach it again ends with the former release. Why it is so: ADR 63.
//!
//! By the other strategy a side of the new release is put beside the former one after the rehearsal, and gets more and more of the calls ([`gradually`]).

mod begin;
mod change;
mod figures;
mod finish;
mod gradually;
mod halt;
mod judge;
mod rehearse;
mod watch;

use common::{
    error::Kind,
    operations::{Saga, Step, StepError},
};
use n8n::databases::Counts;
use time::OffsetDateTime;
use wire::kinds::{TenantUpgrade, UpgradeStrategy};

use crate::{World, blue_green::Turns, halt::Arriving, home::Sides, trial::Trial};

/// From a tenant on one release to the same tenant on a later one.
pub struct UpgradeTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Upgraded {
    /// What was found out before anything was done.
    #[serde(flatten)]
    pub trial: Trial,
    /// The sides that it had.
    #[serde(default)]
    pub sides: Option<Sides>,
    /// How a side that is put beside it does.
    #[serde(default)]
    pub watched: watch::Watched,
    /// What it had when it stopped.
    #[serde(default)]
    pub counts: Counts,
    /// What was on its way when callers were led elsewhere.
    #[serde(default)]
    pub arriving: Arriving,
    /// Since when callers are let get their answers.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub answering_since: Option<OffsetDateTime>,
    /// Since when executions are let end.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub draining_since: Option<OffsetDateTime>,
}

impl Saga for UpgradeTenant {
    type World = World;
    type State = Upgraded;
    type Request = TenantUpgrade;

    fn steps(&self, request: &TenantUpgrade) -> Vec<&dyn Step<Self>> {
        match request.strategy {
            UpgradeStrategy::Recreate => at_once(),
            UpgradeStrategy::BlueGreen => gradually::line(),
        }
    }
}

fn at_once() -> Vec<&'static dyn Step<UpgradeTenant>> {
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

impl Turns for UpgradeTenant {
    fn sides(request: &TenantUpgrade, state: &Upgraded) -> Result<Sides, StepError> {
        let unknown = || StepError::failed(Kind::Internal, "it is not known which sides the tenant had");
        Ok(state.sides.ok_or_else(unknown)?.beside(request.n8n_version))
    }

    fn arriving(state: &mut Upgraded) -> &mut Arriving {
        &mut state.arriving
    }
}
