//! Sagas whose steps act on the simulated outside, and check what they are handed.

use std::time::Duration;

use async_trait::async_trait;
use common::operations::{Context, OperationKind, Request, Saga, Step, StepError, later};
use wire::kinds::{TenantCreate, TenantDelete, TenantHeal};

use crate::kinds::{Piece, Whole};

use super::{
    faults::Fault,
    link::Weather,
    outside::{Effect, PARTS, Reach},
    process::InHand,
};

/// The steps that were done. A step notes itself before it acts, so that a failed attempt leaves a trace if states leak.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Done {
    steps: Vec<usize>,
    /// How many looks in vain were worth saving.
    looks: u64,
}

/// A step like any other: it looks, and does what is missing, part by part.
struct Act(usize);

const STEPS: [Act; 4] = [Act(0), Act(1), Act(2), Act(3)];

/// How many steps this kind's saga has.
pub fn steps(kind: &OperationKind) -> usize {
    match kind.name {
        "tenant.create" => 4,
        "tenant.delete" | "test.whole" => 3,
        _ => 2,
    }
}

macro_rules! saga {
    ($name:ident, $kind:ident) => {
        pub struct $name;

        impl Saga for $name {
            type World = Reach;
            type State = Done;
            type Request = $kind;

            fn steps(&self, _: &Self::Request) -> Vec<&dyn Step<Self>> {
                STEPS[..steps(Self::KIND)].iter().map(|step| step as &dyn Step<Self>).collect()
            }
        }
    };
}

saga!(Create, TenantCreate);
saga!(Delete, TenantDelete);
saga!(Heal, TenantHeal);
saga!(DoPiece, Piece);

/// Which step of [`DoWhole`] has something else done.
pub const DELEGATED: usize = 1;

/// Whether this step has a part done, and no effects of its own.
pub fn is_delegated(kind: &OperationKind, ordinal: usize) -> bool {
    kind == Whole::KIND && ordinal == DELEGATED
}

/// How many effects there are when everything is done.
pub fn effects(kind: &OperationKind) -> usize {
    (0..steps(kind)).filter(|ordinal| !is_delegated(kind, *ordinal)).count() * PARTS
}

pub struct DoWhole;

impl Saga for DoWhole {
    type World = Reach;
    type State = Done;
    type Request = Whole;

    fn steps(&self, _: &Self::Request) -> Vec<&dyn Step<Self>> {
        vec![&STEPS[0], &Delegate, &STEPS[2]]
    }
}

/// Has a part done.
struct Delegate;

#[async_trait]
impl Step<DoWhole> for Delegate {
    fn name(&self) -> &'static str {
        "delegated"
    }

    fn child(&self) -> Option<&'static OperationKind> {
        Some(Piece::KIND)
    }

    async fn run(&self, context: &Context<'_, Reach, Whole>, state: &mut Done) -> Result<(), StepError> {
        let _in_hand = Act(DELEGATED).check(context, state, state.steps.len() == DELEGATED);
        match context.ensure_child(&Piece {}).await {
            Ok(_) => {
                state.steps.push(DELEGATED);
                Ok(())
            }
            Err(error) => {
                if let StepError::Later(pause) = error {
                    context.observe().sim.oracle().asks_for_later(context.operation(), pause, state.looks);
                }
                Err(error)
            }
        }
    }

    async fn undo(&self, context: &Context<'_, Reach, Whole>, state: &Done) -> Result<(), StepError> {
        let _in_hand = Act(DELEGATED).check(context, state, !state.steps.is_empty());
        Ok(())
    }
}

#[async_trait]
impl<S: Saga<World = Reach, State = Done>> Step<S> for Act {
    fn name(&self) -> &'static str {
        ["first", "second", "third", "fourth"][self.0]
    }

    async fn run(&self, context: &Context<'_, Reach, S::Request>, state: &mut Done) -> Result<(), StepError> {
        let _in_hand = self.check(context, state, state.steps.len() == self.0);
        state.steps.push(self.0);
        for part in 0..PARTS {
            let effect = (context.operation(), self.0, part);
            linger(context).await?;
            if context.observe().sim.outside().is_closed(effect) {
                state.steps.pop();
                return wait(context, effect, state);
            }
            if !context.observe().look(effect).await? {
                context.fenced().await?.act(effect, true).await?;
            }
        }
        Ok(())
    }

    async fn undo(&self, context: &Context<'_, Reach, S::Request>, state: &Done) -> Result<(), StepError> {
        // Its own success may be in the journal or not; that of an earlier step always is.
        let known = state.steps.len();
        let _in_hand = self.check(context, state, known >= self.0);
        for part in (0..PARTS).rev() {
            context.fenced().await?.act((context.operation(), self.0, part), false).await?;
        }
        Ok(())
    }
}

/// Waits for minutes, as for a container that does not come up, and hears when its process stops.
async fn linger(context: &Context<'_, Reach, impl Request>) -> Result<(), StepError> {
    let sim = &context.observe().sim;
    let pause = {
        let mut faults = sim.faults();
        if faults.rarely(Fault::Linger) { faults.millis(1_000..400_000) } else { Duration::ZERO }
    };
    if pause.is_zero() {
        return Ok(());
    }
    let waited = context.stopping().run_until_cancelled(tokio::time::sleep(pause)).await;
    waited.ok_or(StepError::Stopped)
}

/// Longer than the deadlines of some, and the whole time of those that heal.
pub const LONGEST_LOOK_MS: u64 = 15 * 60 * 1000;

/// It cannot be done yet. Some looks are worth saving, some pauses are shorter than allowed, and some go past any deadline.
fn wait(
    context: &Context<'_, Reach, impl Request>,
    effect: Effect,
    state: &mut Done,
) -> Result<(), StepError> {
    let sim = &context.observe().sim;
    let (worth_saving, pause) = {
        let mut faults = sim.faults();
        faults.count(Fault::Later);
        let longest = *[1, 40_000, 40_000, LONGEST_LOOK_MS].get(faults.dice().usize(..4)).unwrap();
        (faults.dice().bool(), faults.millis(0..longest))
    };
    state.looks += u64::from(worth_saving);
    sim.oracle().asks_for_later(effect.0, pause, state.looks);
    later(pause)
}

impl Act {
    fn check<'a>(
        &self,
        context: &Context<'a, Reach, impl Request>,
        state: &Done,
        fits: bool,
    ) -> Option<InHand<'a>> {
        let (reach, id) = (context.observe(), context.operation());
        if !fits || state.steps.iter().enumerate().any(|(at, step)| at != *step) {
            let rule = format!("step {} is handed the state {:?}", self.0, state.steps);
            reach.sim.oracle().violated(id, rule);
        }
        let suspicious = reach.sim.oracle().is_suspicious(id);
        let in_hand = reach.process.take_in_hand(id, suspicious);
        if in_hand.is_none() {
            reach
                .sim
                .oracle()
                .violated(id, "what may end its process is done beside nothing else of that sort");
        }
        in_hand
    }
}
