//! Waiting for a condition of the outside world.

use std::time::Duration;

use common::{error::Kind, operations::StepError};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

/// How often a condition is asked for: often enough that nobody notices, rarely enough that the asked one does not either.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// How long the edge may take: it asks for its routes four times a second.
const EDGE: Duration = Duration::from_secs(20);

/// A look at the edge is a small matter to it, and every creation and removal waits for one.
const ASK_EDGE_EVERY: Duration = Duration::from_millis(100);

/// Asks the edge until the condition holds.
pub async fn for_edge<F>(stopping: &CancellationToken, condition: impl Fn() -> F) -> Result<(), StepError>
where
    F: Future<Output = Result<(), StepError>>,
{
    let held = stopping.run_until_cancelled(hold(EDGE, ASK_EDGE_EVERY, condition));
    held.await.unwrap_or(Err(StepError::Stopped))
}

/// Asks until the condition holds. A transient error means: not yet. After `limit`, in the middle of an answer too, the last one
/// is returned. When the process stops, so does this: whoever goes on begins to wait anew.
pub async fn until<F>(
    stopping: &CancellationToken,
    limit: Duration,
    condition: impl Fn() -> F,
) -> Result<(), StepError>
where
    F: Future<Output = Result<(), StepError>>,
{
    stopping.run_until_cancelled(hold(limit, ASK_EVERY, condition)).await.unwrap_or(Err(StepError::Stopped))
}

async fn hold<F>(limit: Duration, every: Duration, condition: impl Fn() -> F) -> Result<(), StepError>
where
    F: Future<Output = Result<(), StepError>>,
{
    let end = Instant::now() + limit;
    let mut last = StepError::failed(Kind::Timeout, "there was no answer in time");
    loop {
        match timeout_at(end, condition()).await {
            Ok(Err(error)) if is_transient(&error) => last = error,
            Ok(answer) => return answer,
            Err(_) => return Err(last),
        }
        if Instant::now() + every >= end {
            return Err(last);
        }
        sleep(every).await;
    }
}

fn is_transient(error: &StepError) -> bool {
    match error {
        StepError::LeaseLost | StepError::Stopped | StepError::Later(_) => false,
        StepError::Failed { kind, .. } => matches!(kind, Kind::Unavailable | Kind::Timeout),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(180);

    fn not_yet() -> StepError {
        StepError::failed(Kind::Timeout, "not yet")
    }

    fn going_on() -> CancellationToken {
        CancellationToken::new()
    }

    fn detail(answer: Result<(), StepError>) -> String {
        match answer {
            Err(StepError::Failed { detail, .. }) => detail,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn slow_answers_do_not_make_the_wait_longer() {
        let begun = Instant::now();
        let going_on = going_on();
        let answer = until(&going_on, LIMIT, || async {
            sleep(Duration::from_secs(20)).await;
            Err(not_yet())
        });
        assert_eq!(detail(answer.await), "not yet");
        assert!(begun.elapsed() <= LIMIT, "it took {:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_answers_is_not_waited_for() {
        let begun = Instant::now();
        let answer = until(&going_on(), LIMIT, std::future::pending).await;
        assert_eq!((detail(answer).as_str(), begun.elapsed()), ("there was no answer in time", LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn what_holds_in_the_end_was_worth_waiting_for_and_what_is_wrong_is_not() {
        let asked = Cell::new(0);
        let going_on = going_on();
        let third = until(&going_on, LIMIT, || async {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { Err(not_yet()) } else { Ok(()) }
        });
        assert!(third.await.is_ok());
        let wrong = until(&going_on, LIMIT, || async { Err(StepError::failed(Kind::Conflict, "wrong")) });
        assert_eq!(detail(wrong.await), "wrong");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stops_does_not_wait_any_longer() {
        let (begun, stopping) = (Instant::now(), CancellationToken::new());
        let answer = until(&stopping, LIMIT, std::future::pending);
        let stopped = async {
            sleep(ASK_EVERY).await;
            stopping.cancel();
        };
        let (answer, ()) = tokio::join!(answer, stopped);
        assert!(matches!(answer, Err(StepError::Stopped)), "{answer:?}");
        assert_eq!(begun.elapsed(), ASK_EVERY);
    }
}
