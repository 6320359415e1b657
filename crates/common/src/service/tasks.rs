//! Work beside the main line: tracked, so that stopping can wait for it, and named, so that its end can be explained.

use std::{future::Future, time::Duration};

use tokio::task::JoinError;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    panics::panicked,
    rounds::{Interval, Round, go_round},
};

/// The tasks of one process.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    broken: CancellationToken,
}

impl Tasks {
    /// Starts a task that the process needs, though it may end by itself. A panic in it stops the whole process: half a service
    /// helps nobody.
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are tracked")]
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let broken = self.broken.clone();
        let task = tokio::spawn(work);
        self.tracker.spawn(async move {
            if let Err(error) = task.await {
                tracing::error!(task = name, %error, "a task broke; the process stops so that a fresh one can start");
                broken.cancel();
            }
        });
    }

    /// Starts one of many pieces of work: a connection, a wake-up. A panic in it is its own end and nobody else's.
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are tracked")]
    pub fn spawn_one(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(work);
        self.tracker.spawn(async move {
            if let Err(Ok(panic)) = task.await.map_err(JoinError::try_into_panic) {
                panicked(name, panic.as_ref());
            }
        });
    }

    /// Does something again and again until told to stop.
    pub fn every(&self, interval: Interval, round: impl Round) {
        self.spawn(interval.name, go_round(interval, round, self.stopping()));
    }

    /// Fires when the process is to stop: take no new work, finish what is in hand.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Returns once a task has panicked.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Tells every task to stop and waits for them, but not past the deadline.
    pub async fn finish(&self, deadline: Duration) -> Result<(), tokio::time::error::Elapsed> {
        self.stopping.cancel();
        self.tracker.close();
        tokio::time::timeout(deadline, self.tracker.wait()).await
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_task_that_breaks_is_the_processs_end_and_a_piece_of_work_is_not() {
        let tasks = Tasks::default();
        tasks.spawn_one("piece", async { panic!("planted") });
        tasks.spawn("sound", async {});
        tasks.tracker.close();
        tasks.tracker.wait().await;
        assert!(tasks.broken().now_or_never().is_none());
        tasks.tracker.reopen();
        tasks.spawn("broken", async { panic!("planted") });
        tasks.broken().await;
    }
}
