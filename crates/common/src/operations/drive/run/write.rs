//! What is written to the record on the way. Nothing is done before it is there.

use std::time::Duration;

use serde_json::Value;

use super::{Failure, Paused, Run, Why};
use crate::operations::{End, Entry, Event, NewEntry, Next, Saga, StoreError, Transition, policy};

impl<S: Saga> Run<'_, S> {
    /// The success of one step and the start of the next are one write: half the waiting for the disk.
    pub(super) async fn succeeded(
        &mut self,
        ordinal: usize,
        output: Value,
    ) -> Result<Option<Paused>, StoreError> {
        // It ended nobody, so the next one is nobody's danger.
        self.alone = None;
        let next = ordinal + 1;
        let done = (ordinal, Event::Succeeded, Some(output));
        if next == self.steps.len() {
            return self.record(&[done]).await;
        }
        self.begun = Some(next);
        self.record(&[done, (next, Event::Started, None)]).await
    }

    /// The operation rests until its next look at this step. Only the first look, and one that saves something new, leaves a row.
    pub(super) async fn waits(
        &mut self,
        ordinal: usize,
        output: Option<Value>,
        pause: Duration,
    ) -> Result<Option<Paused>, StoreError> {
        let known = self.journal.is_waiting(ordinal) && output.as_ref() == self.journal.output();
        let (step, event) = (self.steps[ordinal].name(), Event::Waiting);
        let row = NewEntry { ordinal, step, event, output: output.clone(), error: None, cause: None };
        let rows = if known { &[][..] } else { std::slice::from_ref(&row) };
        tracing::debug!(step, pause_ms = pause.as_millis() as u64, "the step waits");
        let turned = self.write(rows, Transition::Postpone { pause, error: None }).await?;
        if !known {
            self.journal.apply(&Entry { ordinal, event, output, class: None })?;
        }
        Ok((!turned).then_some(Paused::Resting(pause)))
    }

    /// The deadline passed while this step was under way, or waited.
    pub(super) async fn too_late(&mut self, ordinal: usize) -> Result<Option<Paused>, StoreError> {
        let verdict = policy::past_deadline(S::UNWINDS);
        self.failed(ordinal, Event::Failed, Why::late(), Some(verdict)).await
    }

    /// Without a verdict the operation simply goes on.
    pub(super) async fn failed(
        &mut self,
        ordinal: usize,
        event: Event,
        why: Why,
        verdict: Option<Failure>,
    ) -> Result<Option<Paused>, StoreError> {
        let step = self.steps[ordinal].name();
        let (class, error) = (Some(why.class()), why.error(step));
        let (transition, paused) = match verdict {
            None => (Transition::Continue, None),
            Some(Failure::Retry(pause)) => {
                (Transition::Postpone { pause, error: None }, Some(Paused::Resting(pause)))
            }
            Some(Failure::Undo) => (Transition::Undo { error: error.clone() }, None),
            Some(Failure::Stuck) => {
                let kind = why.word();
                tracing::error!(
                    step,
                    error.kind = kind,
                    "the operation is stuck: a person has to resume or abandon it"
                );
                (
                    Transition::Finish { end: End::Stuck, error: Some(error.clone()) },
                    Some(Paused::Ended(End::Stuck)),
                )
            }
        };
        let row = NewEntry { ordinal, step, event, output: None, error: Some(error), cause: Some(why.cause) };
        let turned = self.write(&[row], transition).await?;
        self.journal.apply(&Entry { ordinal, event, output: None, class })?;
        Ok(paused.filter(|_| !turned))
    }

    /// The process stops: anybody may go on after this pause. A cancellation may turn the operation back instead, and then it is
    /// kept, so it is given back once more.
    pub(super) async fn give_back(&mut self, pause: Duration) -> Result<Paused, StoreError> {
        let transition = Transition::Postpone { pause, error: None };
        if self.write(&[], transition.clone()).await? {
            self.write(&[], transition).await?;
        }
        Ok(Paused::Stopped)
    }

    /// Writes rows; when they are the last ones, the end of the operation is written with them.
    pub(super) async fn record(
        &mut self,
        events: &[(usize, Event, Option<Value>)],
    ) -> Result<Option<Paused>, StoreError> {
        let mut after = self.journal.clone();
        let mut rows = Vec::with_capacity(events.len());
        for (ordinal, event, output) in events {
            let (ordinal, event, output) = (*ordinal, *event, output.clone());
            after.apply(&Entry { ordinal, event, output: output.clone(), class: None })?;
            let step = self.steps[ordinal].name();
            rows.push(NewEntry { ordinal, step, event, output, error: None, cause: None });
        }
        let end = match after.next(self.undoing) {
            Next::Finish(end) => Some(end),
            Next::Run(_) | Next::Undo(_) => None,
        };
        let transition = end.map_or(Transition::Continue, |end| Transition::Finish { end, error: None });
        let turned = self.write(&rows, transition).await?;
        self.journal = after;
        Ok(end.filter(|_| !turned).map(Paused::Ended))
    }

    /// Returns whether a cancellation turned the operation back instead.
    pub(super) async fn write(
        &mut self,
        rows: &[NewEntry<'_>],
        transition: Transition,
    ) -> Result<bool, StoreError> {
        let undoing = self.store.write(self.claimed.id, self.claimed.fence, rows, &transition).await?;
        let turned = undoing && !self.undoing && !matches!(transition, Transition::Undo { .. });
        self.undoing |= undoing;
        if turned {
            tracing::info!("the operation was cancelled: it goes back");
        }
        Ok(turned)
    }

    /// What the last successful step left, or this one when it last waited; whatever later attempts did to their copies.
    pub(super) fn state(&self) -> Result<S::State, StoreError> {
        let output = self.journal.output().cloned();
        output.map_or(Ok(S::State::default()), |value| {
            serde_json::from_value(value).map_err(|_| StoreError::Unreadable)
        })
    }
}

/// A state as the journal keeps it.
pub(super) fn stored(state: &impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(state).map_err(|_| StoreError::Unreadable)
}
