//! The steps of one operation, one after the other, forward or back; what came of each is in the journal before the next.

mod traced;
mod write;

use std::time::Duration;

use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::{
    Paused,
    attempt::{Bounds, Ended},
    why::Why,
};
use crate::{
    error::Kind,
    operations::{
        Claimed, Class, ContextOf, Event, Failure, Journal, Next, Saga, Step, Store, StoreError, Transition,
        metrics,
        part::LOOK_AGAIN,
        policy::{self, Loss},
        saga::Asking,
    },
};
use traced::{Direction, traced};
use write::stored;

/// What waits is looked at again no sooner than this, whatever its step says.
const SOONEST_LOOK: Duration = Duration::from_secs(1);

/// Before an operation that is to be driven alone asks again whether it may.
const TURN: Duration = Duration::from_secs(1);

pub(super) struct Run<'a, S: Saga> {
    steps: Vec<&'a dyn Step<S>>,
    journal: Journal,
    context: ContextOf<'a, S>,
    store: &'a Store,
    claimed: &'a Claimed,
    stopping: &'a CancellationToken,
    undoing: bool,
    /// The step whose start is in the journal already, written together with the success of the one before.
    begun: Option<usize>,
    /// Held while the step under way may be what ends its process.
    alone: Option<OwnedSemaphorePermit>,
}

impl<'a, S: Saga> Run<'a, S> {
    pub fn new(
        steps: Vec<&'a dyn Step<S>>,
        journal: Journal,
        context: ContextOf<'a, S>,
        store: &'a Store,
        claimed: &'a Claimed,
        stopping: &'a CancellationToken,
    ) -> Self {
        let undoing = claimed.undoing;
        Self { steps, journal, context, store, claimed, stopping, undoing, begun: None, alone: None }
    }

    pub async fn advance(&mut self) -> Result<Paused, StoreError> {
        if let Some(paused) = self.note_loss().await? {
            return Ok(paused);
        }
        if let Some(paused) = self.take_turn().await? {
            return Ok(paused);
        }
        loop {
            if self.stopping.is_cancelled() {
                return self.give_back(Duration::ZERO).await;
            }
            self.heed_deadline().await?;
            let paused = match self.journal.next(self.undoing) {
                Next::Run(step) => self.run(step).await?,
                Next::Undo(step) => self.undo(step).await?,
                Next::Finish(end) => {
                    let turned = self.write(&[], Transition::Finish { end, error: None }).await?;
                    (!turned).then_some(Paused::Ended(end))
                }
            };
            if let Some(paused) = paused {
                return Ok(paused);
            }
        }
    }

    /// Whoever held it before can no longer say that it left a step in the middle, so that is said for it: a step that ends
    /// its processes would be begun for ever otherwise. One that stops in good order gives the lease back, and nothing is lost.
    async fn note_loss(&mut self) -> Result<Option<Paused>, StoreError> {
        let interrupted = self.journal.interrupted().filter(|_| self.claimed.orphaned);
        let Some((ordinal, event)) = interrupted else { return Ok(None) };
        let forward = event == Event::Failed;
        let failures =
            if forward { self.journal.run_failures(ordinal) } else { self.journal.undo_failures(ordinal) };
        let losses = failures.of(Class::Lost) + 1;
        tracing::warn!(step = self.steps[ordinal].name(), losses, "whoever was at the step vanished");
        // A step that is not to be run again needs no decision about that.
        let over = forward && (self.undoing || self.must_go_back());
        let stuck = !over && policy::after_losses(losses) == Loss::Stuck;
        self.failed(ordinal, event, Why::lost(), stuck.then_some(Failure::Stuck)).await
    }

    /// One that may end this process is not driven beside another one of that sort: both would lose what they have in hand each
    /// time, and only one of them is to blame.
    async fn take_turn(&mut self) -> Result<Option<Paused>, StoreError> {
        let failures = match self.journal.next(self.undoing) {
            Next::Run(step) => self.journal.run_failures(step),
            Next::Undo(step) => self.journal.undo_failures(step),
            Next::Finish(_) => return Ok(None),
        };
        if policy::after_losses(failures.of(Class::Lost)) == Loss::Again {
            return Ok(None);
        }
        self.alone = self.store.alone();
        if self.alone.is_some() {
            return Ok(None);
        }
        let turned = self.write(&[], Transition::Postpone { pause: TURN, error: None }).await?;
        Ok((!turned).then_some(Paused::Resting(TURN)))
    }

    fn must_go_back(&self) -> bool {
        S::UNWINDS && !self.undoing && self.claimed.is_late()
    }

    async fn heed_deadline(&mut self) -> Result<(), StoreError> {
        if self.must_go_back() {
            let late = Why::late();
            self.write(
                &[],
                Transition::Undo { error: json!({ "kind": late.word(), "detail": late.detail }) },
            )
            .await?;
        }
        Ok(())
    }

    async fn run(&mut self, ordinal: usize) -> Result<Option<Paused>, StoreError> {
        // A step that waits was begun; a look that finds nothing new is not worth a row.
        if self.begun.take() != Some(ordinal) && !self.journal.is_waiting(ordinal) {
            self.record(&[(ordinal, Event::Started, None)]).await?;
            if self.undoing {
                // Cancelled: it would only be undone again.
                return Ok(None);
            }
        }
        let (step, mut state) = (self.steps[ordinal], self.state()?);
        let timer = metrics::run(S::KIND, step.name());
        // Where there is no way back, the deadline decides about the next attempt and not in the middle of this one.
        let (bounds, context) = (self.bounds(step, S::UNWINDS), self.context_of(ordinal));
        let attempt = bounds.attempt(step.run(&context, &mut state));
        let ended = traced(S::KIND, step.name(), Direction::Run, attempt).await;
        timer.ended(ended.as_str());
        let late = self.claimed.is_late();
        match ended {
            Ended::Done => self.succeeded(ordinal, stored(&state)?).await,
            Ended::Later(_) if late => self.too_late(ordinal).await,
            Ended::Late => self.too_late(ordinal).await,
            Ended::Later(pause) => {
                let pause = pause.max(SOONEST_LOOK).min(self.claimed.time_left());
                self.waits(ordinal, Some(stored(&state)?), pause).await
            }
            Ended::Stopped => self.give_back(Duration::ZERO).await.map(Some),
            Ended::CutOff => self.give_back(self.store.lease()).await.map(Some),
            Ended::LeaseLost => Err(StoreError::LeaseLost),
            Ended::Failed(why) => {
                let failures = self.journal.run_failures(ordinal).of(why.class()) + 1;
                let kind = why.kind.unwrap_or(Kind::Internal);
                let verdict = policy::after_run(kind, failures, S::UNWINDS, late);
                note(step.name(), failures, &why, verdict, "the step failed");
                self.failed(ordinal, Event::Failed, why, Some(verdict)).await
            }
        }
    }

    async fn undo(&mut self, ordinal: usize) -> Result<Option<Paused>, StoreError> {
        self.record(&[(ordinal, Event::UndoStarted, None)]).await?;
        let (step, state, context) = (self.steps[ordinal], self.state()?, self.context_of(ordinal));
        if let Some(kind) = step.child()
            && !self.store.end_parts(self.claimed.id, self.claimed.fence, kind).await?
        {
            return self.waits(ordinal, None, LOOK_AGAIN).await;
        }
        let timer = metrics::undo(S::KIND, step.name());
        let bounds = self.bounds(step, false);
        let attempt = bounds.attempt(step.undo(&context, &state));
        let ended = traced(S::KIND, step.name(), Direction::Undo, attempt).await;
        timer.ended(ended.as_str());
        match ended {
            Ended::Done => {
                self.alone = None;
                self.record(&[(ordinal, Event::Undone, None)]).await
            }
            Ended::Later(pause) => self.waits(ordinal, None, pause.max(SOONEST_LOOK)).await,
            Ended::Stopped => self.give_back(Duration::ZERO).await.map(Some),
            Ended::CutOff => self.give_back(self.store.lease()).await.map(Some),
            Ended::LeaseLost => Err(StoreError::LeaseLost),
            Ended::Late => Ok(None),
            Ended::Failed(why) => {
                let failures = self.journal.undo_failures(ordinal).of(why.class()) + 1;
                let verdict = policy::after_undo(why.kind.unwrap_or(Kind::Internal), failures);
                note(step.name(), failures, &why, verdict, "undoing the step failed");
                self.failed(ordinal, Event::UndoFailed, why, Some(verdict)).await
            }
        }
    }

    fn context_of(&self, ordinal: usize) -> ContextOf<'a, S> {
        let (step, resumptions) = (self.steps[ordinal], self.journal.resumptions(ordinal));
        self.context.asking(Asking { step: step.name(), child: step.child(), resumptions })
    }

    fn bounds(&self, step: &dyn Step<S>, heed_deadline: bool) -> Bounds<'a> {
        let deadline = heed_deadline.then_some(self.claimed.deadline);
        Bounds { limit: step.limit(), deadline, stopping: self.stopping, grace: self.store.grace() }
    }
}

fn note(step: &str, failures: u32, why: &Why, verdict: Failure, what: &str) {
    let (kind, verdict) = (why.word(), verdict.as_str());
    tracing::warn!(step, attempt = failures, error.kind = kind, error = why.cause, verdict, "{what}");
}
