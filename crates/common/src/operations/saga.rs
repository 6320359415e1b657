//! What an operation does: a line of steps, each with an undo.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Classify, Kind, chain},
    id::{OperationId, TenantId},
    operations::{Lease, OperationKind, StoreError},
};

/// A line of steps. The order and the names are part of the record: journals of running operations refer to them.
pub trait Saga: Send + Sync + Sized + 'static {
    /// The outside systems its steps act on.
    type World: Send + Sync;
    /// What steps tell later ones. Stored with the journal, so never a secret.
    type State: Serialize + DeserializeOwned + Default + Send + Sync;
    /// Which operations it serves.
    const KIND: OperationKind;
    /// Whether giving up means undoing. Where it does not, giving up calls a person.
    const UNWINDS: bool = true;

    /// The steps in order.
    fn steps(&self) -> Vec<&dyn Step<Self>>;
}

/// One step. Both verbs are repeated after crashes, so both tolerate that everything, part or nothing is done already.
#[async_trait]
pub trait Step<S: Saga>: Send + Sync {
    /// Its name in the journal, the API and metrics.
    fn name(&self) -> &'static str;
    /// Does it.
    async fn run(&self, context: &Context<'_, S>, state: &mut S::State) -> Result<(), StepError>;
    /// Undoes it; `state` is that of the last step that succeeded, perhaps before this one.
    async fn undo(&self, context: &Context<'_, S>, state: &S::State) -> Result<(), StepError>;
}

/// What a step works with. The world is reached through [`Context::effect`] and [`Context::observe`] only, so that no
/// effect can be had without a look at the fence.
pub struct Context<'a, S: Saga> {
    world: &'a S::World,
    lease: &'a Lease,
    database: &'a sqlx::PgPool,
    tenant: TenantId,
}

impl<'a, S: Saga> Context<'a, S> {
    pub(super) fn new(
        world: &'a S::World,
        lease: &'a Lease,
        database: &'a sqlx::PgPool,
        tenant: TenantId,
    ) -> Self {
        Self { world, lease, database, tenant }
    }

    /// The tenant this is done for.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The operation this is a step of.
    pub fn operation(&self) -> OperationId {
        self.lease.operation()
    }

    /// Changes the outside world, unless the lease is lost.
    pub async fn effect<T, E: Into<StepError>>(
        &self,
        act: impl AsyncFnOnce(&'a S::World) -> Result<T, E>,
    ) -> Result<T, StepError> {
        self.lease.check().await?;
        act(self.world).await.map_err(Into::into)
    }

    /// Looks at the outside world without changing it.
    pub async fn observe<T, E: Into<StepError>>(
        &self,
        look: impl AsyncFnOnce(&'a S::World) -> Result<T, E>,
    ) -> Result<T, StepError> {
        look(self.world).await.map_err(Into::into)
    }

    /// Changes the record in one transaction that commits only under the lease.
    pub async fn record<T, E: Into<StepError>>(
        &self,
        write: impl AsyncFnOnce(&mut sqlx::PgTransaction<'static>) -> Result<T, E>,
    ) -> Result<T, StepError> {
        let mut transaction = self.database.begin().await?;
        self.lease.check_in(&mut transaction).await?;
        let value = write(&mut transaction).await.map_err(Into::into)?;
        transaction.commit().await?;
        Ok(value)
    }

    /// The record, to read from.
    pub fn database(&self) -> &sqlx::PgPool {
        self.database
    }
}

/// Why a step did not do what it should.
#[derive(Debug)]
pub enum StepError {
    /// Somebody else holds the lease now: stop, and write nothing.
    LeaseLost,
    /// It failed. `detail` may be shown to operators; the cause is in the log.
    Failed { kind: Kind, detail: String, cause: String },
}

impl StepError {
    /// A failure of this kind, told in our own words.
    pub fn failed(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Failed { kind, cause: detail.clone(), detail }
    }
}

impl<E: Classify> From<E> for StepError {
    fn from(error: E) -> Self {
        let lost = (&error as &dyn std::any::Any).downcast_ref::<StoreError>();
        if matches!(lost, Some(StoreError::LeaseLost)) {
            return Self::LeaseLost;
        }
        Self::Failed { kind: error.kind(), detail: error.public_detail(), cause: chain(&error) }
    }
}
