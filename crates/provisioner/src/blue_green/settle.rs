//! Once the other side serves: what it needed on the way goes, and the former one is kept without a share of anything.

use common::{
    operations::{Context, StepError, TenantRequest},
    tenant::Color,
};

use super::{
    rows::{self, Change, Part, workers},
    share::{LIMIT, with_share},
    swap::turned,
    turns::turn,
};
use crate::{
    World,
    halt::Arriving,
    home::Sides,
    store::{instances::Place, tenants},
};

type In<'a, R> = Context<'a, World, R>;

turn!(/** What answered webhooks beside the new main has answered who was waiting, and is gone. */ NoFront, "front", run no_front, after Arriving::awaited, undo front);
turn!(/** One after the other, workers of the former side end what they run and make room for one of the new side. */ Exchange, "exchange", run exchange, undo exchange_back, limit LIMIT);
turn!(/** The former side is ready to be turned back to. */ Keep, "keep", run keep, undo do_not_keep);

async fn no_front(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    take_away(context, sides, vec![(sides.other(), Place::Front)]).await
}

async fn front(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let more = vec![(sides.other(), Place::Front)];
    rows::write_back(context, &turned(sides), &Change { more: more.clone(), ..Change::default() }).await?;
    rows::start(context, &more).await
}

async fn take_away(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    fewer: Vec<Part>,
) -> Result<(), StepError> {
    rows::stop(context, &fewer).await?;
    rows::write(context, &turned(sides), &Change { fewer, ..Change::default() }).await
}

/// There are never more than find room, and at most one fewer than there are to be.
async fn exchange(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    for ordinal in 1..=count(context).await? {
        let (goes, comes) = (one(sides.color, ordinal), one(sides.other(), ordinal));
        rows::stop(context, &goes).await?;
        let change = Change { more: comes.clone(), fewer: goes };
        rows::write(context, &turned(sides), &change).await?;
        rows::start(context, &comes).await?;
    }
    Ok(())
}

/// Those of the new side that had come before the turn stay.
async fn exchange_back(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let there = with_share(context, sides, 100).await?;
    for ordinal in 1..=count(context).await? {
        let (mut goes, comes) = (one(sides.other(), ordinal), one(sides.color, ordinal));
        goes.retain(|part| !there.contains(part));
        rows::stop(context, &goes).await?;
        let change = Change { more: comes.clone(), fewer: goes };
        rows::write_back(context, &turned(sides), &change).await?;
        rows::start(context, &comes).await?;
    }
    Ok(())
}

fn one(color: Color, ordinal: u32) -> Vec<Part> {
    workers(color, ordinal..=ordinal)
}

async fn count(context: &In<'_, impl TenantRequest>) -> Result<u32, StepError> {
    Ok(tenants::get(context.database(), context.tenant()).await?.workers)
}

async fn keep(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let more = vec![(sides.color, Place::Front)];
    rows::write(context, &turned(sides), &Change { more: more.clone(), ..Change::default() }).await?;
    rows::start(context, &more).await
}

async fn do_not_keep(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let fewer = vec![(sides.color, Place::Front)];
    rows::stop(context, &fewer).await?;
    rows::write_back(context, &turned(sides), &Change { fewer, ..Change::default() }).await
}
