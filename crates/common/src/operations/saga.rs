//! What an operation does: a line of steps, each with an undo.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::ClusterId,
    database,
    error::{Classify, Kind, chain, scrub, writable},
    id::{OperationId, TenantId},
    operations::{Claimed, Lease, OperationKind, Request, StoreError},
};

/// A line of steps. The order and the names are part of the record: journals of running operations refer to them.
pub trait Saga: Send + Sync + Sized + 'static {
    /// The outside systems its steps act on.
    type World: Send + Sync;
    /// What steps tell later ones. Stored with the journal, so never a secret.
    type State: Serialize + DeserializeOwned + Default + Send + Sync;
    /// What it is asked to do, which says which operations it serves.
    type Request: Request;
    /// The operations it serves.
    const KIND: &'static OperationKind = Self::Request::KIND;
    /// Whether giving up means undoing. Where it does not, giving up calls a person.
    const UNWINDS: bool = Self::KIND.unwinds;

    /// The steps in order, for what is asked. The same request always has the same line.
    fn steps(&self, request: &Self::Request) -> Vec<&dyn Step<Self>>;
}

/// How long one attempt may take unless its step says otherwise: longer than all that an ordinary step waits for.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// One step. Both verbs are repeated after crashes, so both tolerate that everything, part or nothing is done already. Both may be
/// dropped at any of their waits: when the lease, their time or their process ends. A panic is a failure like any other.
#[async_trait]
pub trait Step<S: Saga>: Send + Sync {
    /// Its name in the journal, the API and metrics.
    fn name(&self) -> &'static str;
    /// How long one attempt at doing or undoing it may take. What takes longer has failed ([`Kind::Timeout`]).
    fn limit(&self) -> Duration {
        LIMIT
    }
    /// The kind of operation that it has done as a part of itself ([`Context::ensure_child`]). One that goes on while this is undone is
    /// called off first, and waited for.
    fn child(&self) -> Option<&'static OperationKind> {
        None
    }
    /// Does it. What cannot be done yet ends as [`later`], and `state` then says how far it is.
    async fn run(&self, context: &ContextOf<'_, S>, state: &mut S::State) -> Result<(), StepError>;
    /// Undoes it; `state` is that of the last step that succeeded, perhaps before this one, or what this one saved. A step that leaves nothing
    /// behind has nothing to undo. The first step's undo is also asked for when no step was ever begun: it takes back what
    /// accepting the operation wrote.
    async fn undo(&self, _context: &ContextOf<'_, S>, _state: &S::State) -> Result<(), StepError> {
        Ok(())
    }
}

/// What a step works with. It looks through [`Context::observe`] and acts through [`Context::fenced`] and
/// [`Context::begin`], so that every effect is preceded by a look at the fence.
pub struct Context<'a, W, R: Request> {
    world: &'a W,
    request: &'a R,
    subject: &'a R::Subject,
    pub(super) lease: &'a Lease,
    pub(super) database: &'a sqlx::PgPool,
    pub(super) claimed: &'a Claimed,
    stopping: &'a CancellationToken,
    /// What the step at hand may ask others for.
    pub(super) asking: Asking,
}

/// What the step at hand may ask others for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asking {
    pub step: &'static str,
    pub child: Option<&'static OperationKind>,
    /// How often a person let the operation go on since the step was begun.
    pub resumptions: u32,
}

/// What the steps of this saga work with.
pub type ContextOf<'a, S> = Context<'a, <S as Saga>::World, <S as Saga>::Request>;

impl<W, R: Request<Subject = TenantId>> Context<'_, W, R> {
    /// The tenant this is done for.
    pub fn tenant(&self) -> TenantId {
        *self.subject
    }
}

impl<W, R: Request<Subject = ClusterId>> Context<'_, W, R> {
    /// The cluster this is done to.
    pub fn cluster(&self) -> &ClusterId {
        self.subject
    }
}

impl<'a, W, R: Request> Context<'a, W, R> {
    pub(super) fn new(
        world: &'a W,
        request: &'a R,
        subject: &'a R::Subject,
        lease: &'a Lease,
        database: &'a sqlx::PgPool,
        claimed: &'a Claimed,
        stopping: &'a CancellationToken,
    ) -> Self {
        Self { world, request, subject, lease, database, claimed, stopping, asking: Asking::default() }
    }

    /// The same for another step.
    pub(super) const fn asking(&self, asking: Asking) -> Self {
        Self { asking, ..*self }
    }

    /// What is to be done.
    pub fn request(&self) -> &'a R {
        self.request
    }

    /// The operation this is a step of.
    pub fn operation(&self) -> OperationId {
        self.lease.operation()
    }

    /// The outside world, to look at.
    pub fn observe(&self) -> &'a W {
        self.world
    }

    /// The outside world, to change; fails when the lease is lost. Asked for anew before every effect.
    pub async fn fenced(&self) -> Result<&'a W, StepError> {
        self.lease.check().await?;
        Ok(self.world)
    }

    /// A transaction on the record that can only commit under the lease.
    pub async fn begin(&self) -> Result<sqlx::PgTransaction<'static>, StepError> {
        let mut transaction = database::begin(self.database).await?;
        self.lease.check_in(&mut transaction).await?;
        Ok(transaction)
    }

    /// The record, to read from.
    pub fn database(&self) -> &sqlx::PgPool {
        self.database
    }

    /// Fires when the process is to stop. What waits for long ends then with [`StepError::Stopped`]; a step that does not listen is
    /// cut off after some seconds.
    pub fn stopping(&self) -> &'a CancellationToken {
        self.stopping
    }
}

/// Ends a step that cannot be done yet: it waits for a window, a drain, a child. That is no failure. The operation rests and frees
/// its worker, what the step changed of the state is kept, and after this pause it is run again.
pub fn later<T>(pause: Duration) -> Result<T, StepError> {
    Err(StepError::Later(pause))
}

/// Why a step ended without being done.
#[derive(Debug)]
pub enum StepError {
    /// Somebody else holds the lease now: stop, and write nothing.
    LeaseLost,
    /// The process stops. Another one begins the step again, and nothing has failed.
    Stopped,
    /// See [`later`].
    Later(Duration),
    /// It failed. `detail` may be shown to everybody; `cause` and `hint` are for those who run the platform.
    Failed { kind: Kind, detail: String, cause: String, hint: Option<&'static str> },
}

impl StepError {
    /// A failure of this kind, told in our own words.
    pub fn failed(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = writable(&detail.into());
        Self::Failed { kind, cause: detail.clone(), detail, hint: None }
    }

    /// The same with advice for those who run the platform.
    #[must_use]
    pub fn with_hint(self, advice: &'static str) -> Self {
        match self {
            Self::Failed { kind, detail, cause, .. } => {
                Self::Failed { kind, detail, cause, hint: Some(advice) }
            }
            Self::LeaseLost | Self::Stopped | Self::Later(_) => self,
        }
    }
}

impl<E: Classify> From<E> for StepError {
    fn from(error: E) -> Self {
        let lost = (&error as &dyn std::any::Any).downcast_ref::<StoreError>();
        if matches!(lost, Some(StoreError::LeaseLost)) {
            return Self::LeaseLost;
        }
        let (kind, detail, hint) = (error.kind(), writable(&error.public_detail()), error.hint());
        Self::Failed { kind, detail, cause: scrub(&chain(&error)), hint }
    }
}
