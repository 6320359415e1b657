//! Looking how a side of a later release does with its share of the calls, before it gets more and before the former one is given up.

use std::time::Duration;

use common::{
    clock,
    error::Kind,
    operations::{ContextOf, StepError, later},
    tenant::Color,
};
use engine::{Exec, Selection};
use n8n::probe;
use time::OffsetDateTime;

use super::{
    UpgradeTenant, Upgraded,
    figures::{answered, lately},
    judge::{Figures, Seen, Verdict, fault, judge},
};
use crate::{
    blue_green::Turns as _,
    inside,
    step::step,
    store::instances::{self, Place},
};

/// As often as calls are counted.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// For how many looks the former side is kept once the new one serves: two minutes.
const KEPT: u32 = 8;

/// For all the calls that a side is asked by itself.
const ASKED_WITHIN: Duration = Duration::from_secs(60);

/// So much of what is said about them.
const BYTES: usize = 1 << 10;

type In<'a> = ContextOf<'a, UpgradeTenant>;

/// What was seen so far.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Watched {
    /// Which share it has.
    #[serde(default)]
    weight: Option<u8>,
    /// Since when.
    #[serde(default, with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    #[serde(default)]
    looks: u32,
    #[serde(default)]
    unready: u32,
    /// The former side's, when it last answered enough.
    #[serde(default)]
    old: Option<Figures>,
    /// Which part of the tenant's executions failed before.
    #[serde(default)]
    failing: Option<f64>,
}

step!(/** It does well with its first share. */ pub(super) With10 of UpgradeTenant, "watch_10", run with_10);
step!(/** It does well with half of the calls. */ pub(super) With50 of UpgradeTenant, "watch_50", run with_50);
step!(/** It does well with all calls to webhooks. */ pub(super) With100 of UpgradeTenant, "watch_100", run with_100);
step!(/** It does well in the place of the former one. */ pub(super) Kept of UpgradeTenant, "kept", run kept);

async fn with_10(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    with(context, state, 10).await
}

async fn with_50(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    with(context, state, 50).await
}

async fn with_100(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    with(context, state, 100).await
}

async fn with(context: &In<'_>, state: &mut Upgraded, weight: u8) -> Result<(), StepError> {
    let seen = look(context, state, weight).await?;
    let mut verdict = judge(&seen);
    if verdict == Verdict::Ask {
        verdict = ask(context, state).await?;
    }
    tracing::info!(tenant_id = %context.tenant(), weight, calls = seen.new.calls, looks = seen.looks, verdict = verdict.as_str(), "a side of a later release was looked at");
    match verdict {
        Verdict::Good => Ok(()),
        Verdict::Wait | Verdict::Ask => later(LOOK_EVERY),
        Verdict::Bad(reason) => {
            Err(StepError::failed(Kind::Conflict, format!("With {weight} of a hundred calls: {reason}")))
        }
    }
}

/// Calls are compared no more: the former side gets none.
async fn kept(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let seen = look(context, state, u8::MAX).await?;
    if let Some(reason) = fault(&seen) {
        return Err(StepError::failed(Kind::Conflict, format!("In the place of the former one: {reason}")));
    }
    if seen.looks >= KEPT { Ok(()) } else { later(LOOK_EVERY) }
}

async fn look(context: &In<'_>, state: &mut Upgraded, weight: u8) -> Result<Seen, StepError> {
    let sides = UpgradeTenant::sides(context.request(), state)?;
    let (record, tenant) = (context.database(), context.tenant());
    let lately = lately(record, tenant, context.observe().site.cluster.as_str()).await?;
    let is_ready = is_ready(context, sides.other()).await?;
    let watched = &mut state.watched;
    if watched.weight != Some(weight) {
        (watched.weight, watched.since) = (Some(weight), Some(clock::now()));
        (watched.looks, watched.unready) = (0, 0);
        // Before it had any.
        watched.failing = watched.failing.or(lately.failing);
    }
    watched.looks += 1;
    watched.unready = if is_ready { 0 } else { watched.unready + 1 };
    let since = watched.since.unwrap_or_else(clock::now);
    let old = answered(record, tenant, sides.color, since).await?;
    watched.old = Figures::of(&old).or(watched.old);
    Ok(Seen {
        looks: watched.looks,
        unready: watched.unready,
        is_counted: lately.is_counted,
        old: watched.old,
        new: answered(record, tenant, sides.other(), since).await?,
        failing: (watched.failing, lately.failing),
        workers_idle: lately.workers_idle,
    })
}

/// Whether everything that this side should have runs and is well.
async fn is_ready(context: &In<'_>, color: Color) -> Result<bool, StepError> {
    let world = context.observe();
    let selection = Selection::of(context.tenant()).containers();
    let inventory = world.containers.observe(&world.site.cluster, selection).await?;
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    let mut its = instances.iter().filter(|instance| instance.color == color);
    Ok(its.all(|instance| inventory.find(&instance.name).is_some_and(engine::Observed::is_ready)))
}

/// Calls of our own, to a path that is nobody's: it looks that up and says so. The rest of its figures are good, or it would not be asked.
async fn ask(context: &In<'_>, state: &Upgraded) -> Result<Verdict, StepError> {
    let color = UpgradeTenant::sides(context.request(), state)?.other();
    let exec = Exec { argv: probe::calls(), within: ASKED_WITHIN, bytes: BYTES };
    let asked = inside::run(context, |it| it.color == color && it.place == Place::Front, &exec).await?;
    if probe::all_answered(&asked.stdout) {
        return Ok(Verdict::Good);
    }
    Ok(Verdict::Bad("The tenant is quiet, and the new side did not answer calls of our own.".to_owned()))
}
