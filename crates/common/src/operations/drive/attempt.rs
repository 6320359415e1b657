//! One attempt at a step: within its time, for as long as its process is to go on, and never the end of anything else.

use std::{panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures::FutureExt;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::why::Why;
use crate::operations::StepError;

/// How an attempt ended.
pub(super) enum Ended {
    Done,
    /// Not yet; to be looked at again after this pause.
    Later(Duration),
    /// The process stops, and it heard that.
    Stopped,
    /// The process stops, and it did not hear that: what it was about may still take effect.
    CutOff,
    /// The operation's deadline passed in the middle of it.
    Late,
    LeaseLost,
    Failed(Why),
}

impl Ended {
    /// The word in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "succeeded",
            Self::Later(_) => "waiting",
            Self::Stopped | Self::CutOff => "stopped",
            Self::LeaseLost => "lease_lost",
            Self::Late | Self::Failed(_) => "failed",
        }
    }
}

impl From<Result<(), StepError>> for Ended {
    fn from(ended: Result<(), StepError>) -> Self {
        match ended {
            Ok(()) => Self::Done,
            Err(StepError::LeaseLost) => Self::LeaseLost,
            Err(StepError::Stopped) => Self::Stopped,
            Err(StepError::Later(pause)) => Self::Later(pause),
            Err(StepError::Failed { kind, detail, cause, hint }) => {
                Self::Failed(Why { kind: Some(kind), detail, cause, hint })
            }
        }
    }
}

/// What ends an attempt, whatever it does.
pub(super) struct Bounds<'a> {
    pub limit: Duration,
    /// The operation's, if it means anything for this attempt.
    pub deadline: Option<Instant>,
    pub stopping: &'a CancellationToken,
    /// What is not done so long after the process was told to stop is cut off.
    pub grace: Duration,
}

impl Bounds<'_> {
    /// Does this work within these bounds. What goes on longer is dropped where it stands, which every step has to bear.
    pub async fn attempt(&self, work: impl Future<Output = Result<(), StepError>>) -> Ended {
        let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
        let limit = Instant::now() + self.limit;
        let end = self.deadline.map_or(limit, |deadline| deadline.min(limit));
        let cut_off = async {
            self.stopping.cancelled().await;
            sleep(self.grace).await;
        };
        tokio::select! {
            // What is done is done, however late.
            biased;
            ended = &mut work => ended.map_or_else(|panic| Ended::Failed(Why::panicked(&*panic)), Ended::from),
            () = sleep_until(end) => if end < limit { Ended::Late } else { Ended::Failed(Why::too_slow(self.limit)) },
            () = cut_off => Ended::CutOff,
        }
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
