//! Sagas whose steps act on the simulated outside, and check what they are handed.

use async_trait::async_trait;
use common::operations::{Context, OperationKind, Request, Saga, Step, StepError};
use wire::kinds::{TenantCreate, TenantDelete, TenantHeal};

use super::outside::{PARTS, Reach};

/// The steps that were done. A step notes itself before it acts, so that a failed attempt leaves a trace if states leak.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Done {
    steps: Vec<usize>,
}

/// A step like any other: it looks, and does what is missing, part by part.
struct Act(usize);

const STEPS: [Act; 4] = [Act(0), Act(1), Act(2), Act(3)];

/// How many steps this kind's saga has.
pub fn steps(kind: &OperationKind) -> usize {
    match kind.name {
        "tenant.create" => 4,
        "tenant.delete" => 3,
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

            fn steps(&self) -> Vec<&dyn Step<Self>> {
                STEPS[..steps(Self::KIND)].iter().map(|step| step as &dyn Step<Self>).collect()
            }
        }
    };
}

saga!(Create, TenantCreate);
saga!(Delete, TenantDelete);
saga!(Heal, TenantHeal);

#[async_trait]
impl<S: Saga<World = Reach, State = Done>> Step<S> for Act {
    fn name(&self) -> &'static str {
        ["first", "second", "third", "fourth"][self.0]
    }

    async fn run(&self, context: &Context<'_, Reach, S::Request>, state: &mut Done) -> Result<(), StepError> {
        self.check(context, state, state.steps.len() == self.0);
        state.steps.push(self.0);
        for part in 0..PARTS {
            let effect = (context.operation(), self.0, part);
            if !context.observe().look(effect).await? {
                context.fenced().await?.act(effect, true).await?;
            }
        }
        Ok(())
    }

    async fn undo(&self, context: &Context<'_, Reach, S::Request>, state: &Done) -> Result<(), StepError> {
        // Its own success may be in the journal or not; that of an earlier step always is.
        let known = state.steps.len();
        self.check(context, state, known >= self.0);
        for part in (0..PARTS).rev() {
            context.fenced().await?.act((context.operation(), self.0, part), false).await?;
        }
        Ok(())
    }
}

impl Act {
    fn check(&self, context: &Context<'_, Reach, impl Request>, state: &Done, fits: bool) {
        if !fits || state.steps.iter().enumerate().any(|(at, step)| at != *step) {
            let rule = format!("step {} is handed the state {:?}", self.0, state.steps);
            context.observe().sim.oracle().violated(context.operation(), rule);
        }
    }
}
