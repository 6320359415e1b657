//! The second side becomes the one that serves. Its process for webhooks answers every call while one main ends and the other one begins.

use common::{
    operations::{Context, StepError, TenantRequest},
    tenant::Color,
};

use super::{
    rows::{self, Change},
    turns::turn,
};
use crate::{
    World,
    blueprint::Answers,
    create::{lead_to, publish},
    halt::Arriving,
    home::Sides,
    store::instances::Place,
};

type In<'a, R> = Context<'a, World, R>;

turn!(/** Nobody is led to the former main any more: webhooks are answered beside it, and whoever wants anything else is told to come back. */ Leave, "leave", run without_main, undo lead);
turn!(/** It is stopped. No trigger fires from here on. */ Stop, "stop", run stop_former, after Arriving::awaited, undo start_former);
turn!(/** The record says that the other side serves. */ Turn, "turn", run turn_over, undo turn_back);
turn!(/** Its main is ready, and triggers fire again. */ Main, "main", run start_new, undo stop_new);
turn!(/** Everybody is led there. */ Route, "route", run lead, undo without_main);

async fn without_main(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    lead_to(context, Answers::Front(sides.other())).await
}

async fn lead(context: &In<'_, impl TenantRequest>, _: &Sides) -> Result<(), StepError> {
    publish(context, None).await
}

/// It answers who is waiting before it goes.
async fn stop_former(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::stop(context, &[(sides.color, Place::Main)]).await
}

async fn start_former(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::start(context, &[(sides.color, Place::Main)]).await
}

async fn turn_over(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::write(context, &turned(sides), &mains(sides.other(), sides.color)).await
}

/// All calls to webhooks are the second one's until its share is taken back as well.
async fn turn_back(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::write_back(context, &sides.with_weight(100), &mains(sides.color, sides.other())).await
}

/// One main in place of the other.
fn mains(comes: Color, goes: Color) -> Change {
    Change { more: vec![(comes, Place::Main)], fewer: vec![(goes, Place::Main)] }
}

/// With a second side there is always another one to turn to: that was looked at in the beginning.
pub fn turned(sides: &Sides) -> Sides {
    sides.turned().unwrap_or(*sides)
}

async fn start_new(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::start(context, &[(sides.other(), Place::Main)]).await
}

async fn stop_new(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    rows::stop(context, &[(sides.other(), Place::Main)]).await
}
