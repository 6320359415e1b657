//! The right to act for an operation: held for a while, renewed while working, and numbered.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    error::{Classify, Kind},
    id::OperationId,
    operations::{Claimed, NewOperation, Part, Store, StoreError},
};

/// Renewed this many times within its length, so that two lost renewals do not lose the lease.
const RENEWALS: u32 = 3;

/// Before a record that is away is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Proof that this process is the one that may act for an operation, until somebody holds a higher fence.
#[derive(Debug, Clone)]
pub struct Lease {
    store: Store,
    operation: OperationId,
    fence: i64,
    /// Until when nobody else can hold it, by this process's own clock: counted from the moment the record was asked.
    certain_until: Arc<Mutex<Instant>>,
}

impl Lease {
    /// The lease under which this was claimed.
    pub fn new(store: Store, claimed: &Claimed) -> Self {
        let certain_until = Arc::new(Mutex::new(claimed.asked_at + store.lease()));
        Self { store, operation: claimed.id, fence: claimed.fence, certain_until }
    }

    /// The operation it is held for.
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// Fails when the lease has ended or somebody else holds one. Asked before every effect.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.store.check(self.operation, self.fence).await
    }

    /// The same inside a transaction: what is written there is kept only if the lease still holds at its commit.
    pub async fn check_in(&self, transaction: &mut sqlx::PgTransaction<'_>) -> Result<(), StoreError> {
        self.store.check_in(self.operation, self.fence, transaction).await
    }

    /// How this part of the operation is, which is accepted under this lease if it is not there.
    pub(super) async fn ensure_part(&self, new: &NewOperation<'_>) -> Result<Part, StoreError> {
        self.store.ensure_part(new, self.fence).await
    }

    /// Goes on with this work only while the lease is certain to be held. A process that was stopped for longer than that would
    /// otherwise go on in the middle of an effect, long after its look at the fence; this one does nothing more. It is for whoever
    /// waits for [`Self::keep`] too, which ends then.
    pub async fn while_certain<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            if Instant::now() < self.certain_until() { work.as_mut().poll(context) } else { Poll::Pending }
        })
        .await
    }

    /// Renews the lease again and again; returns only when it is lost, or as good as lost: a record that was away for its whole
    /// length may have given it to somebody else meanwhile. Nobody waits for the record any longer than that, because whoever
    /// waits may hold connections that renewing needs.
    pub async fn keep(&self) -> StoreError {
        let unrenewed = self.store.lease() - self.store.lease() / RENEWALS;
        loop {
            let certain_until = self.certain_until();
            tokio::time::sleep_until(certain_until - unrenewed).await;
            let asked_at = Instant::now();
            if asked_at >= certain_until {
                return StoreError::LeaseLost;
            }
            let renewal = self.store.renew(self.operation, self.fence);
            match tokio::time::timeout_at(certain_until, renewal).await {
                Ok(Ok(())) => self.set_certain_until(asked_at + self.store.lease()),
                // The database being away does not mean that anybody else took over.
                Ok(Err(error)) if error.kind() == Kind::Unavailable => {
                    tracing::warn!(error = crate::error::chain(&error), "the lease could not be renewed");
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(Err(error)) => return error,
                Err(_) => return StoreError::LeaseLost,
            }
        }
    }

    fn certain_until(&self) -> Instant {
        *self.certain_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_certain_until(&self, moment: Instant) {
        *self.certain_until.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
pub(super) mod tests;
