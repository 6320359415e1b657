//! Where operations are kept, as one process uses it: under its name, with leases of one length.

mod claim;
mod parts;
mod postgres;
mod record;
mod write;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    error::{Classify, Kind},
    id::OperationId,
    operations::{Call, Entry, IllegalEvent, NewOperation, OperationKind, Wake},
};

pub use postgres::PostgresRecord;
pub use record::{Claim, Claimed, NewEntry, Parent, Part, Record, Transition};

/// Longer than the slowest renewal, shorter than anybody's patience with a dead worker.
const LEASE: Duration = Duration::from_secs(15);

/// What a step that does not listen is given to finish when its process stops: half of what a process is given.
const GRACE: Duration = Duration::from_secs(5);

/// Where operations are kept.
#[derive(Debug, Clone)]
pub struct Store {
    record: Arc<dyn Record>,
    pool: sqlx::PgPool,
    owner: String,
    lease: Duration,
    grace: Duration,
    at_most: u32,
    cluster: Option<Arc<str>>,
    /// How often this process has asked for an operation.
    asked: Arc<AtomicU32>,
    /// Tells workers of what was accepted as a part of something.
    wake: Wake,
    /// For the one operation that may be what ends this process.
    alone: Arc<Semaphore>,
}

/// One claim of so many asks for the oldest operation instead of the most urgent one, so that none is starved.
const OLDEST_EVERY: u32 = 8;

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
        let record = Arc::new(PostgresRecord::new(&pool));
        Self::elsewhere(record, pool, owner)
    }

    /// Operations that are kept elsewhere than in the database that steps read and write: for simulations.
    pub fn elsewhere(record: Arc<dyn Record>, pool: sqlx::PgPool, owner: impl Into<String>) -> Self {
        let alone = Arc::new(Semaphore::new(1));
        Self {
            record,
            pool,
            owner: owner.into(),
            lease: LEASE,
            grace: GRACE,
            at_most: u32::MAX,
            cluster: None,
            asked: Arc::default(),
            wake: Wake::default(),
            alone,
        }
    }

    /// The same with leases of another length.
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// The same, giving steps that do not listen another time to finish when the process stops.
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The same, telling workers through this what was accepted as a part of something.
    pub(super) fn waking(self, wake: Wake) -> Self {
        Self { wake, ..self }
    }

    /// The same, claiming nothing while so many operations of its cluster are under a lease, whoever holds it.
    pub fn with_at_most(self, at_most: u32) -> Self {
        Self { at_most, ..self }
    }

    /// The same, claiming only what is this cluster's, or nobody's yet.
    pub fn of_cluster(self, cluster: &str) -> Self {
        Self { cluster: Some(cluster.into()), ..self }
    }

    /// How long a lease lasts without being renewed.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// How long a step that does not listen may go on when the process stops.
    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    /// The database that steps read and write.
    pub fn pool(&self) -> &sqlx::PgPool {
        &self.pool
    }

    /// Claims the next operation of these kinds, if any is due.
    pub async fn claim(&self, kinds: &[&'static OperationKind]) -> Result<Option<Claimed>, StoreError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let oldest_first = asked % OLDEST_EVERY == OLDEST_EVERY - 1;
        let (owner, lease, at_most) = (self.owner.as_str(), self.lease, self.at_most);
        let (cluster, asked_at) = (self.cluster.as_deref(), tokio::time::Instant::now());
        self.record.claim(&Claim { kinds, cluster, owner, lease, oldest_first, at_most, asked_at }).await
    }

    /// The place for an operation that may be what ends this process, if it is free.
    pub(super) fn alone(&self) -> Option<OwnedSemaphorePermit> {
        self.alone.clone().try_acquire_owned().ok()
    }

    /// Makes the lease last for its whole length again.
    pub(super) async fn renew(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        self.record.renew(id, fence, self.lease).await
    }

    pub(super) async fn check(&self, id: OperationId, fence: i64) -> Result<(), StoreError> {
        self.record.check(id, fence).await
    }

    /// See [`Record::write`].
    pub(super) async fn write(
        &self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
    ) -> Result<bool, StoreError> {
        self.record.write(id, fence, entries, transition, self.lease).await
    }

    /// See [`Record::ensure_part`]. Whoever does such things is woken.
    pub(super) async fn ensure_part(&self, new: &NewOperation<'_>, fence: i64) -> Result<Part, StoreError> {
        let part = self.record.ensure_part(new, fence).await?;
        if part == Part::Accepted {
            new.parent.into_iter().for_each(|parent| self.call(new.kind, new.id, parent));
        }
        Ok(part)
    }

    /// See [`Record::cancel_parts`]. Says whether all are over.
    pub(super) async fn end_parts(
        &self,
        parent: OperationId,
        fence: i64,
        of: &OperationKind,
    ) -> Result<bool, StoreError> {
        let why =
            json!({ "kind": "cancelled", "detail": format!("{parent}, which it is a part of, goes back.") });
        let open = self.record.cancel_parts(parent, fence, of.unwinds, &why).await?;
        open.iter().for_each(|part| self.call(of, *part, parent));
        Ok(open.is_empty())
    }

    fn call(&self, kind: &OperationKind, operation: OperationId, because_of: OperationId) {
        let (service, kind) = (kind.service.to_owned(), kind.name.to_owned());
        self.wake.call(Call { service, operation, kind, because_of });
    }

    /// The journal so far.
    pub async fn journal(&self, id: OperationId) -> Result<Vec<Entry>, StoreError> {
        self.record.journal(id).await
    }
}
