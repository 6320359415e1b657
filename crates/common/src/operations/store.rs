//! Operations in Postgres. Every write is one statement that changes nothing unless the lease holds.

mod claim;
pub(super) mod write;

use std::time::Duration;

use crate::{
    error::{Classify, Kind},
    id::{OperationId, TenantId},
    operations::{IllegalEvent, OperationKind},
};

/// Longer than the slowest renewal, shorter than anybody's patience with a dead worker.
const LEASE: Duration = Duration::from_secs(15);

/// Where operations are kept.
#[derive(Debug, Clone)]
pub struct Store {
    pool: sqlx::PgPool,
    owner: String,
    lease: Duration,
}

/// An operation that this process may act for.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: OperationId,
    pub kind: OperationKind,
    pub tenant: TenantId,
    pub undoing: bool,
    /// Its deadline has passed.
    pub late: bool,
    pub fence: i64,
    pub actor: String,
    pub correlation_id: String,
    pub traceparent: Option<String>,
    /// Since it was accepted.
    pub age: Duration,
    /// Whether this is the first time anybody holds it.
    pub fresh: bool,
}

/// The record did not take what was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the lease is lost")]
    LeaseLost,
    #[error("the record could not be reached or refused")]
    Database(#[from] sqlx::Error),
    #[error("the journal cannot be continued")]
    Journal(#[from] IllegalEvent),
    #[error("the journal holds what this version does not understand")]
    Unreadable,
}

impl Classify for StoreError {
    fn kind(&self) -> Kind {
        match self {
            Self::LeaseLost => Kind::Conflict,
            Self::Database(error) => error.kind(),
            Self::Journal(_) | Self::Unreadable => Kind::Internal,
        }
    }
}

impl Store {
    /// The operations of this database, acted for in the name of `owner` (one name a process).
    pub fn new(pool: sqlx::PgPool, owner: impl Into<String>) -> Self {
        Self { pool, owner: owner.into(), lease: LEASE }
    }

    /// The same with leases of another length.
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// How long a lease lasts without being renewed.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// The database the operations are in.
    pub fn pool(&self) -> &sqlx::PgPool {
        &self.pool
    }
}

/// Seconds as Postgres' `make_interval` takes them.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
