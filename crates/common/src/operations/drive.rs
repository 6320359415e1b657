//! Driving one claimed operation as far as it goes.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Claimed, Context, ContextOf, End, Entry, Event, Failure, Journal, Lease, NewEntry, Next, OperationKind,
    Saga, Step, StepError, Store, StoreError, Turn, metrics, policy,
};
use crate::error::{Kind, chain};

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
    /// The steps' names in order.
    fn step_names(&self) -> Vec<&'static str>;
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

    fn step_names(&self) -> Vec<&'static str> {
        self.steps().iter().map(|step| step.name()).collect()
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
    let steps = saga.steps();
    let mut journal = Journal::new(steps.len());
    if !claimed.fresh {
        for entry in store.journal(claimed.id).await? {
            journal.apply(&entry)?;
        }
    }
    let request = S::Request::deserialize(&claimed.request).map_err(|_| StoreError::Unreadable)?;
    let context = Context::new(world, &request, lease, store.pool(), claimed.tenant);
    let mut run = Run { steps, journal, context, store, claimed, undoing: claimed.undoing, begun: None };
    run.advance(stopping).await
}

/// For a journal that this version cannot make sense of. While versions are exchanged, a worker of another one may; past the deadline
/// nobody will, and a person has to look at it.
async fn give_up(store: &Store, claimed: &Claimed, error: &StoreError) -> Result<Paused, StoreError> {
    let detail = "This version of the platform cannot continue the operation's journal.";
    let (turn, paused) = if claimed.late {
        tracing::error!(error = chain(error), "the operation is stuck: a person has to look at its journal");
        let error = json!({ "kind": Kind::Internal, "detail": detail });
        (Turn::Finish { end: End::Stuck, error: Some(error) }, Paused::Ended(End::Stuck))
    } else {
        tracing::warn!(error = chain(error), "left to a worker of another version");
        (Turn::Postpone { pause: ELSEWHERE, error: None }, Paused::Resting(ELSEWHERE))
    };
    store.write(claimed.id, claimed.fence, &[], &turn).await?;
    Ok(paused)
}

/// Why a step did not do what it should.
struct Why {
    kind: Kind,
    detail: String,
    cause: String,
    hint: Option<&'static str>,
}

struct Run<'a, S: Saga> {
    steps: Vec<&'a dyn Step<S>>,
    journal: Journal,
    context: ContextOf<'a, S>,
    store: &'a Store,
    claimed: &'a Claimed,
    undoing: bool,
    /// The step whose start is in the journal already, written together with the success of the one before.
    begun: Option<usize>,
}

impl<S: Saga> Run<'_, S> {
    async fn advance(&mut self, stopping: &CancellationToken) -> Result<Paused, StoreError> {
        if self.claimed.late && !self.undoing && S::UNWINDS {
            let error = json!({ "kind": Kind::Timeout, "detail": "The operation's deadline has passed." });
            self.write(&[], Turn::Undo { error }).await?;
        }
        loop {
            if stopping.is_cancelled() {
                self.write(&[], Turn::Postpone { pause: Duration::ZERO, error: None }).await?;
                return Ok(Paused::Stopped);
            }
            let paused = match self.journal.next(self.undoing) {
                Next::Run(step) => self.run(step).await?,
                Next::Undo(step) => self.undo(step).await?,
                Next::Finish(end) => {
                    let turned = self.write(&[], Turn::Finish { end, error: None }).await?;
                    (!turned).then_some(Paused::Ended(end))
                }
            };
            if let Some(paused) = paused {
                return Ok(paused);
            }
        }
    }

    async fn run(&mut self, ordinal: usize) -> Result<Option<Paused>, StoreError> {
        if self.begun.take() != Some(ordinal) {
            self.record(&[(ordinal, Event::Started, None)]).await?;
            if self.undoing {
                // Cancelled: it would only be undone again.
                return Ok(None);
            }
        }
        let (step, mut state) = (self.steps[ordinal], self.state()?);
        let timer = metrics::step(S::KIND, step.name());
        match step.run(&self.context, &mut state).await {
            Ok(()) => {
                timer.ended("succeeded");
                let output = serde_json::to_value(&state).map_err(|_| StoreError::Unreadable)?;
                self.succeeded(ordinal, output).await
            }
            Err(StepError::LeaseLost) => Err(StoreError::LeaseLost),
            Err(StepError::Failed { kind, detail, cause, hint }) => {
                timer.ended("failed");
                let attempts = self.journal.attempts(ordinal).0;
                let verdict = policy::after_run(kind, attempts, S::UNWINDS, self.claimed.late);
                note(step.name(), attempts, kind, &cause, verdict, "the step failed");
                let why = Why { kind, detail, cause, hint };
                self.failed(ordinal, Event::Failed, why, verdict).await
            }
        }
    }

    async fn undo(&mut self, ordinal: usize) -> Result<Option<Paused>, StoreError> {
        self.record(&[(ordinal, Event::UndoStarted, None)]).await?;
        let (step, state) = (self.steps[ordinal], self.state()?);
        match step.undo(&self.context, &state).await {
            Ok(()) => self.record(&[(ordinal, Event::Undone, None)]).await,
            Err(StepError::LeaseLost) => Err(StoreError::LeaseLost),
            Err(StepError::Failed { kind, detail, cause, hint }) => {
                let attempts = self.journal.attempts(ordinal).1;
                let verdict = policy::after_undo(kind, attempts);
                note(step.name(), attempts, kind, &cause, verdict, "undoing the step failed");
                let why = Why { kind, detail, cause, hint };
                self.failed(ordinal, Event::UndoFailed, why, verdict).await
            }
        }
    }

    /// The success of one step and the start of the next are one write: half the waiting for the disk.
    async fn succeeded(&mut self, ordinal: usize, output: Value) -> Result<Option<Paused>, StoreError> {
        let next = ordinal + 1;
        let done = (ordinal, Event::Succeeded, Some(output));
        if next == self.steps.len() {
            return self.record(&[done]).await;
        }
        self.begun = Some(next);
        self.record(&[done, (next, Event::Started, None)]).await
    }

    async fn failed(
        &mut self,
        ordinal: usize,
        event: Event,
        why: Why,
        verdict: Failure,
    ) -> Result<Option<Paused>, StoreError> {
        let (step, kind) = (self.steps[ordinal].name(), why.kind);
        let hint = why.hint.unwrap_or_else(|| kind.advice());
        let error = json!({ "step": step, "kind": kind, "detail": why.detail, "hint": hint });
        let cause = Some(why.cause);
        let row = NewEntry { ordinal, step, event, output: None, error: Some(error.clone()), cause };
        let (turn, paused) = match verdict {
            Failure::Retry(pause) => (Turn::Postpone { pause, error: None }, Some(Paused::Resting(pause))),
            Failure::Undo => (Turn::Undo { error }, None),
            Failure::Stuck => {
                tracing::error!(step, error.kind = %kind, "the operation is stuck: a person has to resume or abandon it");
                (Turn::Finish { end: End::Stuck, error: Some(error) }, Some(Paused::Ended(End::Stuck)))
            }
        };
        let turned = self.write(&[row], turn).await?;
        self.journal.apply(&Entry { ordinal, event, output: None })?;
        Ok(paused.filter(|_| !turned))
    }

    /// Writes rows; when they are the last ones, the end of the operation is written with them.
    async fn record(
        &mut self,
        events: &[(usize, Event, Option<Value>)],
    ) -> Result<Option<Paused>, StoreError> {
        let mut after = self.journal.clone();
        let mut rows = Vec::with_capacity(events.len());
        for (ordinal, event, output) in events {
            after.apply(&Entry { ordinal: *ordinal, event: *event, output: output.clone() })?;
            let step = self.steps[*ordinal].name();
            rows.push(NewEntry {
                ordinal: *ordinal,
                step,
                event: *event,
                output: output.clone(),
                error: None,
                cause: None,
            });
        }
        let end = match after.next(self.undoing) {
            Next::Finish(end) => Some(end),
            Next::Run(_) | Next::Undo(_) => None,
        };
        let turn = end.map_or(Turn::Continue, |end| Turn::Finish { end, error: None });
        let turned = self.write(&rows, turn).await?;
        self.journal = after;
        Ok(end.filter(|_| !turned).map(Paused::Ended))
    }

    /// Returns whether a cancellation turned the operation back instead.
    async fn write(&mut self, rows: &[NewEntry<'_>], turn: Turn) -> Result<bool, StoreError> {
        let undoing = self.store.write(self.claimed.id, self.claimed.fence, rows, &turn).await?;
        let turned = undoing && !self.undoing && !matches!(turn, Turn::Undo { .. });
        self.undoing |= undoing;
        if turned {
            tracing::info!("the operation was cancelled: it goes back");
        }
        Ok(turned)
    }

    /// What the last successful step left, whatever later attempts did to their copies.
    fn state(&self) -> Result<S::State, StoreError> {
        let output = self.journal.output().cloned();
        output.map_or(Ok(S::State::default()), |value| {
            serde_json::from_value(value).map_err(|_| StoreError::Unreadable)
        })
    }
}

fn note(step: &str, attempt: u32, kind: Kind, cause: &str, verdict: Failure, what: &str) {
    tracing::warn!(step, attempt, error.kind = %kind, error = cause, verdict = verdict.as_str(), "{what}");
}
