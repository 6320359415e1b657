//! The second side gets another share of the calls, and the workers that go with it.

use std::time::Duration;

use async_trait::async_trait;
use common::operations::{Context, ContextOf, Step, StepError, TenantRequest};
use wire::sizing;

use super::{
    Turns,
    rows::{self, Change, Part, workers},
};
use crate::{
    World,
    create::publish,
    home::Sides,
    store::{homes, tenants},
};

/// Each of the largest plan's workers may take its stop timeout, and as long to be ready.
pub(super) const LIMIT: Duration = Duration::from_secs(40 * 60);

const MOST_WORKERS: u32 = sizing::MOST_WORKERS.unsigned_abs();

type In<'a, R> = Context<'a, World, R>;

/// From which share of the calls to which.
#[derive(Debug, Clone, Copy)]
pub enum Shift {
    /// From what there is to what the request says.
    AsAsked,
    /// From one to another, on a line with several of them; what its three steps are called.
    Between { before: u8, after: u8, words: [&'static str; 3] },
}

impl Shift {
    const fn word(self, usual: &'static str, nth: usize) -> &'static str {
        match self {
            Self::AsAsked => usual,
            Self::Between { words, .. } => words[nth],
        }
    }

    fn before(self, sides: &Sides) -> u8 {
        match self {
            Self::AsAsked => sides.second_weight(),
            Self::Between { before, .. } => before,
        }
    }

    fn after<S: Turns>(self, request: &S::Request, sides: &Sides) -> u8 {
        match self {
            Self::AsAsked => S::share(request, sides),
            Self::Between { after, .. } => after,
        }
    }
}

/// A step that knows from which share it goes to which.
macro_rules! shift {
    ($(#[$doc:meta])* $name:ident, $word:literal, $nth:literal, run $run:path, undo $undo:path) => {
        $(#[$doc])*
        pub struct $name(pub Shift);

        #[async_trait]
        impl<S: Turns> Step<S> for $name {
            fn name(&self) -> &'static str {
                self.0.word($word, $nth)
            }

            fn limit(&self) -> Duration {
                LIMIT
            }

            async fn run(&self, context: &ContextOf<'_, S>, state: &mut S::State) -> Result<(), StepError> {
                let sides = S::sides(context.request(), state)?;
                let shares = (self.0.before(&sides), self.0.after::<S>(context.request(), &sides));
                $run(context, &sides, shares).await
            }

            async fn undo(&self, context: &ContextOf<'_, S>, state: &S::State) -> Result<(), StepError> {
                let sides = S::sides(context.request(), state)?;
                let shares = (self.0.before(&sides), self.0.after::<S>(context.request(), &sides));
                $undo(context, &sides, shares).await
            }
        }
    };
}

shift!(/** The second side has as many workers as go with its share, if that is more than before. */ More, "workers", 0, run more, undo not_more);
shift!(/** The edge shares calls out like this. */ Weigh, "weight", 1, run weigh, undo weigh_back);
shift!(/** Workers that are too many for it end what they run, and go. */ Fewer, "drain", 2, run fewer, undo not_fewer);

pub(super) const MORE_AS_ASKED: More = More(Shift::AsAsked);
pub(super) const WEIGH_AS_ASKED: Weigh = Weigh(Shift::AsAsked);
pub(super) const FEWER_AS_ASKED: Fewer = Fewer(Shift::AsAsked);

/// How many workers a second side has with such a share, beside so many of the first. None without a share, because workers take executions from the
/// one queue, whoever put them there. Both together are no more than the tenant's network holds.
fn workers_for(weight: u8, workers: u32) -> u32 {
    let share = (workers * u32::from(weight.min(100))).div_ceil(100);
    share.min(MOST_WORKERS.saturating_sub(workers))
}

/// The workers that the second side has with such a share.
pub(super) async fn with_share(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    weight: u8,
) -> Result<Vec<Part>, StepError> {
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    Ok(workers(sides.other(), 1..=workers_for(weight, tenant.workers)))
}

/// Those beyond.
async fn beyond_share(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    weight: u8,
) -> Result<Vec<Part>, StepError> {
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    Ok(workers(sides.other(), workers_for(weight, tenant.workers) + 1..=MOST_WORKERS))
}

async fn more(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    (before, after): (u8, u8),
) -> Result<(), StepError> {
    let more = with_share(context, sides, after).await?;
    let change = Change { more: more.clone(), ..Change::default() };
    rows::write(context, &sides.with_weight(before), &change).await?;
    rows::start(context, &more).await
}

async fn not_more(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    (before, _): (u8, u8),
) -> Result<(), StepError> {
    let fewer = beyond_share(context, sides, before).await?;
    rows::stop(context, &fewer).await?;
    let change = Change { fewer, ..Change::default() };
    rows::write_back(context, &sides.with_weight(before), &change).await
}

async fn weigh(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    (_, after): (u8, u8),
) -> Result<(), StepError> {
    share_out(context, &sides.with_weight(after)).await
}

async fn weigh_back(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    (before, _): (u8, u8),
) -> Result<(), StepError> {
    share_out(context, &sides.with_weight(before)).await
}

async fn share_out(context: &In<'_, impl TenantRequest>, sides: &Sides) -> Result<(), StepError> {
    let mut transaction = context.begin().await?;
    homes::have(&mut *transaction, context.tenant(), sides).await?;
    transaction.commit().await?;
    publish(context, None).await
}

async fn fewer(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    (_, after): (u8, u8),
) -> Result<(), StepError> {
    let fewer = beyond_share(context, sides, after).await?;
    rows::stop(context, &fewer).await?;
    let change = Change { fewer, ..Change::default() };
    rows::write(context, &sides.with_weight(after), &change).await
}

async fn not_fewer(
    context: &In<'_, impl TenantRequest>,
    sides: &Sides,
    (before, after): (u8, u8),
) -> Result<(), StepError> {
    let more = with_share(context, sides, before).await?;
    let change = Change { more: more.clone(), ..Change::default() };
    rows::write_back(context, &sides.with_weight(after), &change).await?;
    rows::start(context, &more).await
}

#[cfg(test)]
mod tests {
    use super::workers_for;

    #[test]
    fn workers_go_with_the_share_and_find_room() {
        for (weight, workers, expected) in [
            (0, 4, 0),
            (1, 1, 1),
            (10, 4, 1),
            (50, 4, 2),
            (51, 4, 3),
            (100, 4, 4),
            (100, 1, 1),
            // The network holds eight, and these are there.
            (100, 6, 2),
            (10, 8, 0),
            (100, 9, 0),
        ] {
            assert_eq!(workers_for(weight, workers), expected, "{weight} of {workers}");
        }
    }
}
