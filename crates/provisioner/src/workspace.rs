//! A tenant's part of an n8n that it shares with others: how it is made, rests, is resumed and left. Where something is done to a tenant in
//! whichever home it has, the steps ask here for one of this kind.

mod kept;
mod leave;
mod member;
mod rest;

use common::operations::{Context, StepError, TenantRequest};

use crate::{
    World,
    home::{Home, Workspace, here},
    store::homes,
};

pub use kept::{forget_kept, kept};
pub use leave::{count, forget, is_there, left, quiet, remove};
pub use member::{ensure, limits, restore};
pub use rest::{awake, close, deactivate, put_waiting_back, revive, set_waiting_aside, silence};

/// Of the tenant that this is done for, unless it has a home of another kind, or none. It has to be in this cluster, and in an n8n that something
/// can be done in.
pub async fn of(context: &Context<'_, World, impl TenantRequest>) -> Result<Option<Workspace>, StepError> {
    let home = homes::find(context.database(), context.tenant()).await?;
    let Some(workspace) = home.and_then(Home::workspace) else { return Ok(None) };
    here(&workspace.cluster, &context.observe().site.cluster)?;
    context.observe().admits(&workspace)?;
    Ok(Some(workspace))
}
