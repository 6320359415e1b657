//! Driving one claimed operation as far as it goes.

mod attempt;
mod run;
mod why;

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Claimed, Context, End, Journal, Lease, OperationKind, Request, Saga, Store, StoreError, SubjectId as _,
    Transition,
};
use crate::error::{Kind, chain};
use run::Run;

/// How long an operation rests that this version cannot continue.
const ELSEWHERE: Duration = Duration::from_secs(15);

/// Why driving stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    Ended(End),
    /// To be claimed again after this pause.
    Resting(Duration),
    /// This process is stopping; anybody may go on at once.
    Stopped,
}

impl Paused {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended(end) => end.as_str(),
            Self::Resting(_) => "resting",
            Self::Stopped => "stopped",
        }
    }
}

/// A saga without its types, so that a worker can hold several.
#[async_trait]
pub trait Drive<W>: Send + Sync {
    fn kind(&self) -> &'static OperationKind;
    /// Continues an operation where its journal ends.
    async fn drive(
        &self,
        world: &W,
        store: &Store,
        claimed: &Claimed,
        stopping: &CancellationToken,
    ) -> Result<Paused, StoreError>;
}

#[async_trait]
impl<S: Saga> Drive<S::World> for S {
    fn kind(&self) -> &'static OperationKind {
        S::KIND
    }

    async fn drive(
        &self,
        world: &S::World,
        store: &Store,
        claimed: &Claimed,
        stopping: &CancellationToken,
    ) -> Result<Paused, StoreError> {
        let lease = Lease::new(store.clone(), claimed);
        let driven = tokio::select! {
            // In this order: no work before the lease is known to be held.
            biased;
            lost = lease.keep() => Err(lost),
            paused = lease.while_certain(go_on(self, world, store, claimed, &lease, stopping)) => paused,
        };
        match driven {
            Err(error @ (StoreError::Journal(_) | StoreError::Unreadable)) => {
                give_up(store, claimed, &error).await
            }
            driven => driven,
        }
    }
}

async fn go_on<S: Saga>(
    saga: &S,
    world: &S::World,
    store: &Store,
    claimed: &Claimed,
    lease: &Lease,
    stopping: &CancellationToken,
) -> Result<Paused, StoreError> {
    let request = S::Request::deserialize(&claimed.request).map_err(|_| StoreError::Unreadable)?;
    let steps = saga.steps(&request);
    let mut journal = Journal::new(steps.len());
    if !claimed.fresh {
        for entry in store.journal(claimed.id).await? {
            journal.apply(&entry)?;
        }
    }
    let subject = <S::Request as Request>::Subject::of(&claimed.subject).ok_or(StoreError::Unreadable)?;
    let context = Context::new(world, &request, &subject, lease, store.pool(), claimed, stopping);
    Run::new(steps, journal, context, store, claimed, stopping).advance().await
}

/// For a journal that this version cannot make sense of. While versions are exchanged, a worker of another one may; past the deadline
/// nobody will, and a person has to look at it.
async fn give_up(store: &Store, claimed: &Claimed, error: &StoreError) -> Result<Paused, StoreError> {
    let detail = "This version of the platform cannot continue the operation's journal.";
    let (transition, paused) = if claimed.is_late() {
        tracing::error!(error = chain(error), "the operation is stuck: a person has to look at its journal");
        let error = json!({ "kind": Kind::Internal, "detail": detail });
        (Transition::Finish { end: End::Stuck, error: Some(error) }, Paused::Ended(End::Stuck))
    } else {
        tracing::warn!(error = chain(error), "left to a worker of another version");
        (Transition::Postpone { pause: ELSEWHERE, error: None }, Paused::Resting(ELSEWHERE))
    };
    store.write(claimed.id, claimed.fence, &[], &transition).await?;
    Ok(paused)
}
