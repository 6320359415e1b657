//! A second side is made. It has what answers webhooks, and no share of anything.

use common::operations::{Context, StepError, TenantRequest};

use super::{
    rows::{self, Change, Part},
    turns::turn,
};
use crate::{World, home::Sides, store::instances::Place};

type In<'a, R> = Context<'a, World, R>;

turn!(/** The record says what stands beside the tenant, and that it gets no calls. */ Side, "side", run write, undo take_back);
turn!(/** It is ready, and has brought the tables to its release. */ Front, "start", run start, undo stop);

async fn write(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::write(context, sides, &Change { more: vec![front(sides)], ..Change::default() }).await
}

async fn take_back(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let without = Sides { second: None, ..*sides };
    rows::write_back(context, &without, &Change { fewer: vec![front(sides)], ..Change::default() }).await
}

async fn start(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::start(context, &[front(sides)]).await
}

async fn stop(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::stop(context, &[front(sides)]).await
}

/// What a second side without a share of the calls has.
fn front(sides: &Sides) -> Part {
    (sides.other(), Place::Front)
}
