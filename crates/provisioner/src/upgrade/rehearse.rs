//! The release is tried on a copy of what the tenant has.

use common::operations::{ContextOf, StepError};
use wire::kinds::{TenantBackup, TenantLoad, TenantUpgrade, UpgradeStrategy};

use super::{UpgradeTenant, Upgraded};
use crate::{beside, blue_green::beside_each_other, step::step, trial};

type In<'a> = ContextOf<'a, UpgradeTenant>;

step!(/** There is a backup of before, which was read back. It stays, whatever becomes of the upgrade. */ pub(super) Backup of UpgradeTenant, "backup", run back_up_before, part TenantBackup);
step!(/** That backup is in a database beside the tenant's. */ pub(super) Load of UpgradeTenant, "load", run load, undo unload, part TenantLoad);
step!(/** The new release has brought the copy to its tables, and it is known whether the former one starts on it. Nothing of the copy is left. */ pub(super) Rehearse of UpgradeTenant, "rehearse", run rehearse, undo stop_rehearsing, limit trial::LIMIT);

async fn back_up_before(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    trial::back_up(context, &state.trial).await
}

async fn load(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    trial::load(context, &state.trial).await
}

async fn unload(context: &In<'_>, _: &Upgraded) -> Result<(), StepError> {
    beside::clear(context).await
}

async fn rehearse(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let TenantUpgrade { n8n_version, strategy } = *context.request();
    trial::rehearse(context, &mut state.trial, n8n_version).await?;
    match strategy {
        UpgradeStrategy::Recreate => Ok(()),
        UpgradeStrategy::BlueGreen => beside_each_other(&state.trial, n8n_version),
    }
}

async fn stop_rehearsing(context: &In<'_>, state: &Upgraded) -> Result<(), StepError> {
    trial::stop_rehearsing(context, &state.trial, context.request().n8n_version).await
}
