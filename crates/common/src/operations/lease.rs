//! The right to act for an operation: held for a while, renewed while working, and numbered.

use std::time::Duration;

use crate::{
    error::{Classify, Kind},
    id::OperationId,
    operations::{Store, StoreError},
};

/// Renewed this many times within its length, so that two lost renewals do not lose the lease.
const RENEWALS: u32 = 3;

/// Proof that this process is the one that may act for an operation, until somebody holds a higher fence.
#[derive(Debug, Clone)]
pub struct Lease {
    store: Store,
    operation: OperationId,
    fence: i64,
}

impl Lease {
    /// The lease that was claimed with this fence.
    pub fn new(store: Store, operation: OperationId, fence: i64) -> Self {
        Self { store, operation, fence }
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

    /// Renews the lease again and again; returns only when it is lost.
    pub async fn keep(&self) -> StoreError {
        let mut tick = tokio::time::interval(self.store.lease() / RENEWALS);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.store.renew(self.operation, self.fence).await {
                Ok(()) => {}
                // The database being away does not mean that anybody else took over. Effects are checked anyway.
                Err(error) if error.kind() == Kind::Unavailable => {
                    tracing::warn!(error = crate::error::chain(&error), "the lease could not be renewed");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return error,
            }
        }
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
