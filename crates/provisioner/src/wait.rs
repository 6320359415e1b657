//! Waiting for a condition of the outside world.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use common::{error::Kind, operations::StepError};

/// How often a condition is asked for: often enough that nobody notices, rarely enough that the asked one does not either.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// How long the edge may take: it asks for its routes twice a second.
pub const EDGE: Duration = Duration::from_secs(20);

/// Asks until the condition holds. A transient error means: not yet. After `limit` the last one is returned.
pub async fn until<F>(limit: Duration, condition: impl Fn() -> F) -> Result<(), StepError>
where
    F: Future<Output = Result<(), StepError>>,
{
    let times = limit.as_millis() / ASK_EVERY.as_millis();
    let every = ConstantBuilder::default().with_delay(ASK_EVERY).with_max_times(times as usize);
    let not_yet = |error: &StepError| match error {
        StepError::LeaseLost => false,
        StepError::Failed { kind, .. } => matches!(kind, Kind::Unavailable | Kind::Timeout),
    };
    condition.retry(every).when(not_yet).await
}
