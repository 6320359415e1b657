//! A creation that changes nothing outside: what is left is the price of operations themselves.

use async_trait::async_trait;
use common::operations::{Context, Saga, Step, StepError};
use provisioner::World;
use wire::kinds::TenantCreate;

/// As many steps as the real saga has.
pub struct NoEffects;

const STEPS: [NoEffect; 9] = [
    NoEffect("one"),
    NoEffect("two"),
    NoEffect("three"),
    NoEffect("four"),
    NoEffect("five"),
    NoEffect("six"),
    NoEffect("seven"),
    NoEffect("eight"),
    NoEffect("nine"),
];

struct NoEffect(&'static str);

/// Steps hand nothing on.
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub struct Nothing {}

impl Saga for NoEffects {
    type World = World;
    type State = Nothing;
    type Request = TenantCreate;

    fn steps(&self, _: &Self::Request) -> Vec<&dyn Step<Self>> {
        STEPS.iter().map(|step| step as &dyn Step<Self>).collect()
    }
}

#[async_trait]
impl Step<NoEffects> for NoEffect {
    fn name(&self) -> &'static str {
        self.0
    }

    /// One look at the fence, as before any effect.
    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        context.fenced().await.map(drop)
    }
}
