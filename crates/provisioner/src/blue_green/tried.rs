//! A second side changes the tables that both work on, so its release is tried on a copy of them first.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
    version::Version,
};
use wire::kinds::{TenantBackup, TenantLoad};

use super::{BlueGreenTenant, Turned, Turns as _};
use crate::{
    beside,
    step::step,
    trial::{self, Trial, WayBack},
};

type In<'a> = ContextOf<'a, BlueGreenTenant>;

step!(/** There is a backup of before, which was read back. It stays, whatever becomes of the side. */ pub(super) Backup of BlueGreenTenant, "backup", run back_up_before, part TenantBackup);
step!(/** That backup is in a database beside the tenant's, where another release is wanted. */ pub(super) Load of BlueGreenTenant, "load", run load, undo unload, part TenantLoad);
step!(/** It is known that the side that serves goes on with the tables of the release that is wanted. */ pub(super) Rehearse of BlueGreenTenant, "rehearse", run rehearse, undo stop_rehearsing, limit trial::LIMIT);

async fn back_up_before(context: &In<'_>, state: &mut Turned) -> Result<(), StepError> {
    trial::back_up(context, &state.trial).await
}

async fn load(context: &In<'_>, state: &mut Turned) -> Result<(), StepError> {
    match another_release(context, state)? {
        Some(_) => trial::load(context, &state.trial).await,
        None => Ok(()),
    }
}

async fn unload(context: &In<'_>, _: &Turned) -> Result<(), StepError> {
    beside::clear(context).await
}

async fn rehearse(context: &In<'_>, state: &mut Turned) -> Result<(), StepError> {
    let Some(wanted) = another_release(context, state)? else { return Ok(()) };
    trial::rehearse(context, &mut state.trial, wanted).await?;
    beside_each_other(&state.trial, wanted)
}

/// Where nothing but going back to the database of before would help, the two releases cannot work beside each other.
pub fn beside_each_other(trial: &Trial, wanted: Version) -> Result<(), StepError> {
    if trial.way_back == Some(WayBack::ReRoute) {
        return Ok(());
    }
    let detail = format!(
        "n8n {} does not start on what {wanted} makes of its tables, so the two cannot work beside each other. Nothing of the tenant was touched; \
         an upgrade of the strategy `recreate` can be tried.",
        trial.from()?
    );
    Err(StepError::failed(Kind::Conflict, detail))
}

async fn stop_rehearsing(context: &In<'_>, state: &Turned) -> Result<(), StepError> {
    match another_release(context, state)? {
        Some(wanted) => trial::stop_rehearsing(context, &state.trial, wanted).await,
        None => Ok(()),
    }
}

/// The release that is wanted, unless the tenant runs that.
fn another_release(context: &In<'_>, state: &Turned) -> Result<Option<Version>, StepError> {
    let sides = BlueGreenTenant::sides(context.request(), state)?;
    Ok(sides.second.map(|second| second.version).filter(|wanted| *wanted != sides.version))
}
