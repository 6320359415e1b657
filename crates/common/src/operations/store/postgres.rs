//! Operations in Postgres. Every write is one statement that changes nothing unless the lease holds.

use std::time::Duration;

use async_trait::async_trait;

use serde_json::Value;

use super::{Claim, Claimed, NewEntry, Part, Record, StoreError, Transition};
use crate::{
    database::{self, Statements},
    id::OperationId,
    operations::{Entry, NewOperation},
};

/// The operations of one database.
#[derive(Debug)]
pub struct PostgresRecord {
    pub(super) statements: Statements,
    /// For claiming.
    pub(super) queue: Statements,
}

impl PostgresRecord {
    /// The operations of the database that this pool reaches.
    pub fn new(pool: &sqlx::PgPool) -> Self {
        Self { queue: database::in_order(pool), statements: Statements::beside(pool) }
    }
}

#[async_trait]
impl Record for PostgresRecord {
    async fn claim(&self, claim: &Claim<'_>) -> Result<Option<Claimed>, StoreError> {
        self.claim_due(claim).await
    }

    async fn renew(&self, id: OperationId, fence: i64, lease: Duration) -> Result<(), StoreError> {
        self.renew_lease(id, fence, lease).await
    }

    async fn check(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        self.check_lease(id, fence).await
    }

    async fn write(
        &self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        self.write_rows(id, fence, entries, transition, lease).await
    }

    async fn journal(&self, id: OperationId) -> Result<Vec<Entry>, StoreError> {
        self.read_journal(id).await
    }

    async fn ensure_part(&self, new: &NewOperation<'_>, fence: i64) -> Result<Part, StoreError> {
        self.accept_or_read_part(new, fence).await
    }

    async fn cancel_parts(
        &self,
        parent: OperationId,
        fence: i64,
        unwinding: bool,
        why: &Value,
    ) -> Result<Vec<OperationId>, StoreError> {
        self.call_off_parts(parent, fence, unwinding, why).await
    }
}

/// Seconds as Postgres' `make_interval` takes them.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
