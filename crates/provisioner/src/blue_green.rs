//! A second side of a tenant: made beside the one that serves, given a share of its calls, put in its place, removed again.
//!
//! Both sides work on one database and one queue: anything else loses executions. Two mains there would fire what polls twice, so only the side
//! that serves has one; the other one has a process that answers webhooks and forms, which is all that callers need of it. Workers take executions
//! from the one queue, whichever side put them there: a side without a share of the calls has none, and one with a share as many as go with it.
//! When the second side takes over, mains change one after the other, while its process for webhooks answers every call. Why it is so: ADR 67.

mod begin;
mod cleanup;
mod rows;
mod settle;
mod share;
mod side;
mod swap;
mod tried;
mod turns;

use common::{
    error::Kind,
    operations::{Saga, Step, StepError},
};
use wire::kinds::TenantBlueGreen;

use crate::{World, halt::Arriving, home::Sides, trial::Trial};

pub use cleanup::{Remove, bring_back, remove};
pub use settle::{Exchange, Keep, NoFront};
pub use share::{More, Shift, Weigh};
pub use side::{Front, Side};
pub use swap::{Leave, Main, Route, Stop, Turn, turned};
pub use tried::beside_each_other;
pub use turns::Turns;

/// From the sides that a tenant has to those that are asked for.
pub struct BlueGreenTenant;

/// What its steps tell later ones, and whoever reads it afterwards.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Turned {
    /// What was found out before a side was made.
    #[serde(flatten)]
    pub trial: Trial,
    /// How the sides were before anything was done.
    #[serde(default)]
    pub former: Option<Sides>,
    /// What was on its way when callers were led elsewhere.
    #[serde(default)]
    pub arriving: Arriving,
}

impl Turned {
    /// How the sides were before anything was done.
    fn former(&self) -> Result<Sides, StepError> {
        let unknown = || StepError::failed(Kind::Internal, "it is not known which sides the tenant had");
        self.former.ok_or_else(unknown)
    }
}

impl Turns for BlueGreenTenant {
    fn sides(request: &TenantBlueGreen, state: &Turned) -> Result<Sides, StepError> {
        let former = state.former()?;
        Ok(match request {
            TenantBlueGreen::Create { n8n_version, .. } => {
                former.beside(n8n_version.unwrap_or(former.version))
            }
            TenantBlueGreen::SetWeight { .. }
            | TenantBlueGreen::Swap { .. }
            | TenantBlueGreen::Cleanup { .. } => former,
        })
    }

    fn share(request: &TenantBlueGreen, sides: &Sides) -> u8 {
        match request {
            TenantBlueGreen::SetWeight { color, weight } => sides.weight_of_second(*color, *weight),
            TenantBlueGreen::Swap { .. } => 100,
            TenantBlueGreen::Create { .. } | TenantBlueGreen::Cleanup { .. } => sides.second_weight(),
        }
    }

    fn arriving(state: &mut Turned) -> &mut Arriving {
        &mut state.arriving
    }
}

impl Saga for BlueGreenTenant {
    type World = World;
    type State = Turned;
    type Request = TenantBlueGreen;

    fn steps(&self, request: &TenantBlueGreen) -> Vec<&dyn Step<Self>> {
        match request {
            TenantBlueGreen::Create { pre_backup: true, .. } => {
                vec![&begin::Begin, &tried::Backup, &tried::Load, &tried::Rehearse, &Side, &Front]
            }
            TenantBlueGreen::Create { pre_backup: false, .. } => vec![&begin::Begin, &Side, &Front],
            TenantBlueGreen::SetWeight { .. } => {
                vec![&begin::Begin, &share::MORE_AS_ASKED, &share::WEIGH_AS_ASKED, &share::FEWER_AS_ASKED]
            }
            TenantBlueGreen::Swap { .. } => vec![
                &begin::Begin,
                &share::MORE_AS_ASKED,
                &share::WEIGH_AS_ASKED,
                &Leave,
                &Stop,
                &Turn,
                &Main,
                &Route,
                &NoFront,
                &Exchange,
                &Keep,
            ],
            TenantBlueGreen::Cleanup { .. } => vec![&begin::Begin, &Remove],
        }
    }
}
