//! What is served: the routes that were followed last, without the sides that are not ready.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use common::{error::chain, id::RecordId, service::Latch};
use edge::{
    Mark, Settings, Snapshot, document,
    guard::{self, Refusal},
    health::{Health, Side, Sides, Sighting},
};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    memory::{Memory, MemoryError},
    metrics,
};

#[cfg(test)]
mod tests;

/// The relay of one Traefik. Clones are the same one.
#[derive(Clone)]
pub struct Relay(Arc<Shared>);

struct Shared {
    memory: Memory,
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    followed: Option<Snapshot>,
    sides: Sides,
    /// Whether each side that was remembered has been looked at. Before that Traefik keeps what it has: nothing is known yet.
    looked: bool,
    document: Option<Bytes>,
    refusal: Option<Refusal>,
    heard_at: Option<Instant>,
    not_ready: Option<Latch>,
}

/// How the relay is, for those who run it.
#[derive(Debug, Serialize)]
pub struct Report {
    record: Option<RecordId>,
    routes: usize,
    sides_waiting: usize,
    /// How long ago the gateway last told its routes.
    heard_seconds_ago: Option<u64>,
    /// Why they were not followed.
    refused: Option<Refusal>,
}

impl Relay {
    /// A relay that goes on from what is remembered. The latch is released with the first document.
    pub fn remember(memory: Memory, settings: Settings, not_ready: Latch) -> Result<Self, MemoryError> {
        let followed = memory.recall()?;
        let mut sides = Sides::default();
        if let Some(snapshot) = &followed {
            sides.follow(&snapshot.routes, Health::UNKNOWN);
        }
        let state = State {
            looked: followed.is_none(),
            followed,
            sides,
            document: None,
            refusal: None,
            heard_at: None,
            not_ready: Some(not_ready),
        };
        Ok(Self(Arc::new(Shared { memory, settings, state: Mutex::new(state) })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the gateway has told anything since this process began.
    pub fn has_heard(&self) -> bool {
        self.state().heard_at.is_some()
    }

    /// The gateway has answered that nothing is new.
    pub fn heard(&self) {
        metrics::heard();
        self.state().heard_at = Some(Instant::now());
    }

    /// The gateway has told these routes. Says whether they are followed.
    pub fn offer(&self, offered: Snapshot) -> bool {
        self.heard();
        let mut state = self.state();
        let refusal = state.followed.as_ref().and_then(|followed| guard::refusal(followed, &offered));
        // Their word is on what was refused when they gave it, and on nothing that comes later.
        let accepted = self.0.memory.take_acceptance() && state.refusal == refusal;
        let refusal = refusal.filter(|_| !accepted);
        state.note_refusal(refusal);
        if refusal.is_none() && state.followed.as_ref() != Some(&offered) {
            self.follow(&mut state, offered);
        }
        refusal.is_none()
    }

    fn follow(&self, state: &mut State, offered: Snapshot) {
        if let Err(error) = self.0.memory.keep(&offered) {
            tracing::error!(error = chain(&error), "the routes are served, but not remembered");
        }
        // What is new beside what we knew was published just now; on a first meeting it may be as old as it likes.
        let newcomers = if state.followed.is_some() { Health::PUBLISHED } else { Health::UNKNOWN };
        state.sides.follow(&offered.routes, newcomers);
        state.followed = Some(offered);
        state.publish(&self.0.settings);
    }

    /// Each side with the mark of its route, and whether there are doubts about it.
    pub fn sides(&self) -> Vec<(Side, Mark, bool)> {
        self.state().sides.all().map(|(side, mark, doubtful)| (side.clone(), mark, doubtful)).collect()
    }

    /// A side was looked at.
    pub fn note(&self, side: &Side, sighting: Sighting) {
        let mut state = self.state();
        if let Some(ready) = state.sides.note(side, sighting) {
            tracing::info!(route.host = %side.host, color = %side.color, ready, "an instance changed");
            state.publish(&self.0.settings);
        }
    }

    /// Every side that there was at the start has been looked at.
    pub fn looked(&self) {
        let mut state = self.state();
        if !state.looked {
            state.looked = true;
            state.publish(&self.0.settings);
        }
    }

    /// Traefik's configuration, once there is one.
    pub fn document(&self) -> Option<Bytes> {
        self.state().document.clone()
    }

    /// How the relay is.
    pub fn report(&self) -> Report {
        let state = self.state();
        Report {
            record: state.followed.as_ref().map(|followed| followed.record),
            routes: state.followed.as_ref().map_or(0, |followed| followed.routes.len()),
            sides_waiting: state.sides.waiting(),
            heard_seconds_ago: state.heard_at.map(|at| at.elapsed().as_secs()),
            refused: state.refusal,
        }
    }
}

impl State {
    /// Told once, however often it is refused.
    fn note_refusal(&mut self, refusal: Option<Refusal>) {
        metrics::refused(refusal);
        if self.refusal == refusal {
            return;
        }
        match refusal {
            Some(Refusal::Stranger { served, offered }) => tracing::error!(
                record.served = %served, record.offered = %offered,
                "the gateway tells the routes of another record; the former ones are still served, until a person accepts"
            ),
            Some(Refusal::Shrunk { lost, of }) => tracing::error!(
                lost,
                of,
                "too many routes are gone at once; the former ones are still served, until a person accepts"
            ),
            None => tracing::info!("what the gateway tells is followed again"),
        }
        self.refusal = refusal;
    }

    fn publish(&mut self, settings: &Settings) {
        let Some(followed) = self.followed.as_ref().filter(|_| self.looked) else { return };
        let sides = &self.sides;
        let document = document(&followed.routes, |route, color| sides.is_ready(route, color), settings);
        metrics::served(followed.routes.len(), sides.waiting());
        self.document = Some(document.to_string().into());
        if let Some(latch) = self.not_ready.take() {
            latch.release();
        }
    }
}
