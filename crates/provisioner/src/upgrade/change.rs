//! The new release takes the place of the former one.

use common::operations::{ContextOf, StepError};
use n8n::databases::Name;

use super::{
    UpgradeTenant, Upgraded,
    halt::{start, stop},
};
use crate::{delete::count, step::step, store::tenants, trial::WayBack};

type In<'a> = ContextOf<'a, UpgradeTenant>;

step!(/** It is known what the tenant has; and where the former release would not start again, its database is kept as it is. */ pub(super) Snapshot of UpgradeTenant, "snapshot", run snapshot, undo take_back);
step!(/** The tenant's release is the new one. */ pub(super) ChangeVersion of UpgradeTenant, "version", run version, undo former_version);
step!(/** It has brought the database to its tables, and says that it is ready. */ pub(super) Start of UpgradeTenant, "start", run start, undo stop);

async fn snapshot(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let name = Name::of(context.tenant());
    state.counts = context.observe().databases.final_state(&name).await?;
    match state.trial.way_back {
        Some(WayBack::ReRoute) => Ok(()),
        Some(WayBack::Snapshot) | None => {
            // A copy counts as another database: what was not counted by now is not counted there.
            count(context).await;
            Ok(context.fenced().await?.databases.keep_former(&name).await?)
        }
    }
}

/// Without one there is nothing to take back: the former release starts on what is there.
async fn take_back(context: &In<'_>, _: &Upgraded) -> Result<(), StepError> {
    Ok(context.fenced().await?.databases.take_back(&Name::of(context.tenant())).await.map(drop)?)
}

async fn version(context: &In<'_>, _: &mut Upgraded) -> Result<(), StepError> {
    runs(context, context.request().n8n_version).await
}

async fn former_version(context: &In<'_>, state: &Upgraded) -> Result<(), StepError> {
    runs(context, state.trial.from()?).await
}

async fn runs(context: &In<'_>, version: n8n::Version) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    tenants::runs(&mut *transaction, context.tenant(), version).await?;
    Ok(transaction.commit().await?)
}
