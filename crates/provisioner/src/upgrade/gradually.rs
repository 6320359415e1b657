//! A later release beside the former one, with more and more of the calls.

use common::{
    operations::{ContextOf, Step, StepError},
    tenant::TenantStatus,
};

use super::{UpgradeTenant, Upgraded, begin, rehearse, watch};
use crate::{
    blue_green::{
        Exchange, Front, Keep, Leave, Main, More, NoFront, Route, Shift, Side, Stop, Turn, Turns as _, Weigh,
        bring_back, remove, turned,
    },
    create::settle,
    step::step,
};

type In<'a> = ContextOf<'a, UpgradeTenant>;

const TO_10: Shift = Shift::Between { before: 0, after: 10, words: ["workers_10", "weight_10", "drain_10"] };
const TO_50: Shift = Shift::Between { before: 10, after: 50, words: ["workers_50", "weight_50", "drain_50"] };
const TO_100: Shift =
    Shift::Between { before: 50, after: 100, words: ["workers_100", "weight_100", "drain_100"] };

/// Up to the turn, whatever is undone takes calls back first. After it the former side is kept for a while, and is turned back to.
pub fn line() -> Vec<&'static dyn Step<UpgradeTenant>> {
    vec![
        &begin::Begin,
        &rehearse::Backup,
        &rehearse::Load,
        &rehearse::Rehearse,
        &Side,
        &Front,
        &More(TO_10),
        &Weigh(TO_10),
        &watch::With10,
        &More(TO_50),
        &Weigh(TO_50),
        &watch::With50,
        &More(TO_100),
        &Weigh(TO_100),
        &watch::With100,
        &Leave,
        &Stop,
        &Turn,
        &Main,
        &Route,
        &NoFront,
        &Exchange,
        &Keep,
        &watch::Kept,
        &Forget,
        &Settle,
    ]
}

step!(/** Nothing of the former side is left. */ Forget of UpgradeTenant, "forget", run forget, undo remember);
step!(/** It is as it was, on the new release. */ Settle of UpgradeTenant, "done", run settled);

async fn forget(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    remove(context, &turned(&UpgradeTenant::sides(context.request(), state)?)).await
}

async fn remember(context: &In<'_>, state: &Upgraded) -> Result<(), StepError> {
    bring_back(context, &turned(&UpgradeTenant::sides(context.request(), state)?)).await
}

async fn settled(context: &In<'_>, _: &mut Upgraded) -> Result<(), StepError> {
    settle(context, TenantStatus::Active).await
}
