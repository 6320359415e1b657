//! The steps that whoever changes a tenant's sides has in common: they need to know which sides, and nothing else of the operation.

use common::operations::{Saga, StepError, TenantRequest};

use crate::{World, halt::Arriving, home::Sides};

/// An operation that changes the sides of a tenant.
pub trait Turns: Saga<World = World, Request: TenantRequest> {
    /// The sides, with the second one as it was found or is made: before this operation gave it anything.
    fn sides(request: &Self::Request, state: &Self::State) -> Result<Sides, StepError>;

    /// What was on its way to whoever is about to stop.
    fn arriving(state: &mut Self::State) -> &mut Arriving;

    /// How many of a hundred calls the second one is to answer, where the request says so.
    fn share(_: &Self::Request, sides: &Sides) -> u8 {
        sides.second_weight()
    }
}

/// A step of any of them. One that stops who answered callers until the step before does so once they have arrived.
macro_rules! turn {
    ($(#[$doc:meta])* $name:ident, $word:literal, run $run:path $(, after $awaited:path)? $(, undo $undo:path)? $(, limit $limit:expr)?) => {
        $(#[$doc])*
        pub struct $name;

        #[async_trait::async_trait]
        impl<S: $crate::blue_green::Turns> common::operations::Step<S> for $name {
            fn name(&self) -> &'static str {
                $word
            }

            $(fn limit(&self) -> std::time::Duration {
                $limit
            })?

            async fn run(
                &self,
                context: &common::operations::ContextOf<'_, S>,
                state: &mut S::State,
            ) -> Result<(), common::operations::StepError> {
                $($awaited(S::arriving(state))?;)?
                let sides = S::sides(context.request(), state)?;
                $run(context, &sides).await
            }

            $(async fn undo(
                &self,
                context: &common::operations::ContextOf<'_, S>,
                state: &S::State,
            ) -> Result<(), common::operations::StepError> {
                let sides = S::sides(context.request(), state)?;
                $undo(context, &sides).await
            })?
        }
    };
}
pub(super) use turn;
