use std::future::pending;

use super::*;
use crate::error::Kind;

const LIMIT: Duration = Duration::from_secs(300);
const GRACE: Duration = Duration::from_secs(5);

/// What became of this work, and after how long.
async fn attempt(
    stopping: &CancellationToken,
    deadline: Option<Duration>,
    work: impl Future<Output = Result<(), StepError>>,
) -> (Ended, Duration) {
    let begun = Instant::now();
    let bounds = Bounds { limit: LIMIT, deadline: deadline.map(|left| begun + left), stopping, grace: GRACE };
    let ended = bounds.attempt(work).await;
    (ended, begun.elapsed())
}

fn why(ended: Ended) -> Why {
    let word = ended.as_str();
    if let Ended::Failed(why) = ended { why } else { panic!("{word}") }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_fails_when_its_time_is_over() {
    let (ended, took) = attempt(&CancellationToken::new(), None, pending()).await;
    let why = why(ended);
    assert_eq!((why.kind, took), (Some(Kind::Timeout), LIMIT));
    assert!(why.detail.contains("300 seconds"), "{}", why.detail);
}

#[tokio::test(start_paused = true)]
async fn the_operations_deadline_ends_what_is_under_way() {
    let left = Duration::from_secs(7);
    let (ended, took) = attempt(&CancellationToken::new(), Some(left), pending()).await;
    assert!(matches!(ended, Ended::Late) && took == left, "{} after {took:?}", ended.as_str());
    let (ended, took) = attempt(&CancellationToken::new(), Some(LIMIT * 2), pending()).await;
    assert!(matches!(ended, Ended::Failed(_)) && took == LIMIT, "{} after {took:?}", ended.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_its_text_is_scrubbed() {
    let stopping = CancellationToken::new();
    let (formatted, plain) = (attempt(&stopping, None, panics()), attempt(&stopping, None, panics_plainly()));
    for (ended, cause) in [
        (formatted.await.0, "it panicked: password=[secret] and more"),
        (plain.await.0, "it panicked: plain"),
    ] {
        let why = why(ended);
        assert_eq!((why.kind, why.cause.as_str()), (Some(Kind::Internal), cause));
        assert!(!why.detail.contains("panic"), "told to everybody: {}", why.detail);
    }
}

async fn panics() -> Result<(), StepError> {
    tokio::task::yield_now().await;
    panic!("{} and more", "password=abc")
}

async fn panics_plainly() -> Result<(), StepError> {
    panic!("plain")
}

#[tokio::test(start_paused = true)]
async fn who_hears_that_the_process_stops_is_waited_for_and_who_does_not_is_cut_off() {
    let stopping = CancellationToken::new();
    stopping.cancel();
    let heeds = async {
        sleep(GRACE / 2).await;
        Err(StepError::Stopped)
    };
    let (ended, took) = attempt(&stopping, None, heeds).await;
    assert!(matches!(ended, Ended::Stopped) && took == GRACE / 2, "{} after {took:?}", ended.as_str());
    let (ended, took) = attempt(&stopping, None, pending()).await;
    assert!(matches!(ended, Ended::CutOff) && took == GRACE, "{} after {took:?}", ended.as_str());
    let finishes = async {
        sleep(GRACE / 2).await;
        Ok(())
    };
    assert!(matches!(attempt(&stopping, None, finishes).await.0, Ended::Done));
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_done_however_late() {
    let done = attempt(&CancellationToken::new(), Some(Duration::ZERO), async { Ok(()) }).await;
    assert!(matches!(done.0, Ended::Done));
}
