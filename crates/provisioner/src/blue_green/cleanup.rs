//! The second side goes, and the tenant has one again.

use common::operations::{Context, StepError, TenantRequest};

use super::{
    rows::{self, Change, Part},
    share::LIMIT,
    turns::turn,
};
use crate::{
    World,
    home::Sides,
    store::instances::{self, Place},
};

type In<'a, R> = Context<'a, World, R>;

turn!(/** Nothing of it runs, and the record has one side. */ Remove, "remove", run remove, undo bring_back, limit LIMIT);

/// What stands beside the one that serves.
pub async fn remove(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    let its = instances.into_iter().filter(|instance| instance.color == sides.other());
    let fewer: Vec<Part> = its.map(|instance| (instance.color, instance.place)).collect();
    rows::stop(context, &fewer).await?;
    let alone = Sides { second: None, ..*sides };
    rows::write(context, &alone, &Change { fewer, ..Change::default() }).await
}

/// The way back. One without a share of the calls has no more than this.
pub async fn bring_back(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let more = vec![(sides.other(), Place::Front)];
    rows::write_back(context, sides, &Change { more: more.clone(), ..Change::default() }).await?;
    rows::start(context, &more).await
}
