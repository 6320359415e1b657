//! The loop that claims operations and drives them, several at once.
//!
//! It is no [`crate::service::Round`]: a round is dropped wherever it waits when the process stops, and a claim that is dropped leaves its operation
//! to nobody until the lease ends.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field};

use super::{Call, Claimed, Drive, Gate, OperationKind, Paused, Store, StoreError, Wake, metrics};
use crate::{
    error::chain,
    service::{self, Tasks},
    telemetry,
};

/// How often the record is asked when nobody wakes us: the bound on what a lost message costs.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Claims and drives operations until told to stop.
pub struct Worker<W> {
    pub store: Store,
    pub world: Arc<W>,
    pub sagas: Arc<[Box<dyn Drive<W>>]>,
    pub wake: Wake,
    /// Closed, nothing is claimed.
    pub gate: Gate,
    /// How many operations are driven at once.
    pub limit: usize,
}

impl<W: Send + Sync + 'static> Worker<W> {
    /// Starts the loop among `tasks`.
    pub fn spawn(mut self, tasks: &Tasks) {
        self.store = self.store.waking(self.wake.clone());
        let (worker, tasks_inside) = (Arc::new(self), tasks.clone());
        tasks.spawn("operations", async move { worker.work(&tasks_inside).await });
    }

    async fn work(self: &Arc<Self>, tasks: &Tasks) {
        let stopping = tasks.stopping();
        let permits = Arc::new(Semaphore::new(self.limit));
        let kinds: Vec<_> = self.sagas.iter().map(|saga| saga.kind()).collect();
        while let Some(Ok(permit)) = stopping.run_until_cancelled(permits.clone().acquire_owned()).await {
            if stopping.run_until_cancelled(self.gate.opened()).await.is_none() {
                return;
            }
            // Waited for even while stopping: what was claimed and not known would rest until its lease ends.
            match self.claim(&kinds).await {
                Some(claimed) => {
                    tasks.spawn("operation", self.clone().one(claimed, permit, stopping.clone()))
                }
                None => self.wait(&stopping).await,
            }
        }
    }

    async fn claim(&self, kinds: &[&'static OperationKind]) -> Option<Claimed> {
        self.store.claim(kinds).await.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "no operation could be claimed");
            None
        })
    }

    async fn wait(&self, stopping: &CancellationToken) {
        let woken = tokio::time::timeout(SWEEP_EVERY, self.wake.woken());
        stopping.run_until_cancelled(woken).await;
    }

    async fn one(
        self: Arc<Self>,
        claimed: Claimed,
        permit: OwnedSemaphorePermit,
        stopping: CancellationToken,
    ) {
        let span = tracing::info_span!(
            "operation",
            operation_id = %claimed.id,
            tenant_id = claimed.subject.tenant().map(field::display),
            cluster_id = claimed.subject.cluster().map(field::display),
            correlation_id = claimed.correlation_id,
            trace_id = claimed.traceparent.as_deref().and_then(telemetry::trace_id_of),
            operation.kind = claimed.kind.as_str(),
        );
        if let Some(traceparent) = &claimed.traceparent {
            telemetry::adopt(&span, traceparent);
        }
        // What breaks outside of any step: everybody else's operations go on, and the lease of this one ends by itself.
        let driven = AssertUnwindSafe(self.drive(&claimed, &stopping)).catch_unwind();
        if let Err(panic) = driven.instrument(span.clone()).await {
            span.in_scope(|| service::panicked("operation", panic.as_ref()));
        }
        drop(permit);
        // This tenant's next operation may have been waiting for this one.
        self.wake.now();
    }

    /// Whoever has it done as a part of something waits for its end.
    fn tell_parent(&self, claimed: &Claimed, paused: Paused) {
        if let (Some(parent), Paused::Ended(_)) = (claimed.parent.clone(), paused) {
            let (service, operation, kind) = (parent.service, parent.id, parent.kind);
            self.wake.call(Call { service, operation, kind, because_of: claimed.id });
        }
    }

    async fn drive(&self, claimed: &Claimed, stopping: &CancellationToken) {
        let Some(saga) = self.sagas.iter().find(|saga| saga.kind() == claimed.kind) else { return };
        metrics::claimed(claimed);
        let begun = Instant::now();
        let driven = saga.drive(&self.world, &self.store, claimed, stopping).await;
        let duration_ms = begun.elapsed().as_millis() as u64;
        match driven {
            Ok(paused) => {
                if let Paused::Ended(end) = paused {
                    metrics::ended(claimed, end, begun.elapsed());
                }
                // One that looks again and again for what it waits for says so each second.
                match paused {
                    Paused::Resting(_) => {
                        tracing::debug!(outcome = paused.as_str(), duration_ms, "operation")
                    }
                    Paused::Ended(_) | Paused::Stopped => {
                        tracing::info!(outcome = paused.as_str(), duration_ms, "operation");
                    }
                }
                self.tell_parent(claimed, paused);
            }
            Err(StoreError::LeaseLost) => {
                tracing::warn!(duration_ms, "the lease was lost; somebody else goes on")
            }
            Err(error) => {
                tracing::warn!(duration_ms, error = chain(&error), "the record is away; somebody will go on")
            }
        }
    }
}
