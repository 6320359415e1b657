//! Work beside the main line: tracked, so that stopping can wait for it, and named, so that its end can be explained.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of one process.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    broken: CancellationToken,
}

impl Tasks {
    /// Starts a task that may end by itself. A panic in it stops the whole process: half a service helps nobody.
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
