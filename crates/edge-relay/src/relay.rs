//! What is served: the routes that were followed last, without the sides that are not ready.
//!
//! One task offers routes and no other does. The state is locked for moments: the disk is written to and the document is made outside.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use common::{error::chain, id::RecordId, service::Latch};
use edge::{
    Certificate, Mark, Settings, Snapshot, document,
    guard::{self, Refusal},
    health::{Health, Side, Sides, Sighting},
};
use serde::Serialize;
use tokio::{sync::watch, time::Instant};

use crate::{
    memory::{Memory, MemoryError},
    metrics,
};

mod refused;
#[cfg(test)]
mod tests;

use refused::Refused;

/// What Traefik asks for is in force a second later, also where there are many tenants. It orders then, and goes on with it whatever it is told next;
/// but whatever has failed by then it orders again with each other document.
const ASKED_FOR: Duration = Duration::from_secs(2);

/// The relay of one Traefik. Clones are the same one.
#[derive(Clone)]
pub struct Relay(Arc<Shared>);

struct Shared {
    memory: Memory,
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    followed: Option<Arc<Snapshot>>,
    sides: Sides,
    /// Whether each side that was remembered has been looked at. Before that Traefik keeps what it has: nothing is known yet.
    looked: bool,
    /// How often something changed that is in the document.
    changes: watch::Sender<u64>,
    made: Option<Document>,
    asked: Asked,
    refused: Refused,
    heard_at: Option<Instant>,
    not_ready: Option<Latch>,
}

/// The certificates that Traefik is asked to order.
#[derive(Default)]
struct Asked {
    certificates: BTreeSet<Certificate>,
    /// Since when Traefik has a document that says so.
    told_at: Option<Instant>,
}

/// Traefik's configuration.
#[derive(Clone)]
pub struct Document {
    pub text: Bytes,
    /// How many changes it has: another document has another number.
    pub version: u64,
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
    /// A relay that goes on from what is remembered. The latch is released once there is a document to be had.
    pub fn remember(memory: Memory, settings: Settings, not_ready: Latch) -> Result<Self, MemoryError> {
        let followed = memory.recall()?.map(Arc::new);
        // Of a former process, and about what it was told. The gateway will tell us.
        memory.tell_followed()?;
        memory.take_word()?;
        let mut sides = Sides::default();
        if let Some(snapshot) = &followed {
            sides.follow(&snapshot.routes, Health::UNKNOWN);
        }
        let state = State {
            looked: followed.is_none(),
            followed,
            sides,
            changes: watch::Sender::default(),
            made: None,
            asked: Asked::default(),
            refused: Refused::default(),
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

    fn just_heard(&self) -> MutexGuard<'_, State> {
        metrics::heard();
        let mut state = self.state();
        state.heard_at = Some(Instant::now());
        state
    }

    /// The gateway has answered that nothing is new.
    pub fn heard(&self) {
        let over = self.just_heard().refused.is_over(Instant::now());
        if over {
            tracing::info!("what the gateway tells is followed again");
            self.end_refusal();
        }
    }

    /// The gateway has told these routes. Says whether they are followed. Waits for the disk.
    pub fn offer(&self, offered: Snapshot) -> bool {
        let followed = self.state().followed.clone();
        let refusal = followed.as_ref().and_then(|followed| guard::refusal(followed, &offered));
        // The word of a person is on what is refused, and what another gateway tells meanwhile does not use it up.
        let accepted = refusal.filter(|_| self.0.memory.accepted().is_ok_and(|word| word == refusal));
        if let Some(refusal) = refusal.filter(|_| accepted.is_none()) {
            let news = self.just_heard().refused.again(refusal);
            if news {
                self.tell_refusal(refusal);
            }
            return false;
        }
        if followed.is_none_or(|followed| *followed != offered) {
            self.follow(offered);
        }
        if let Some(refusal) = accepted {
            tracing::info!(%refusal, "a person accepts what was refused");
            self.state().refused.forget();
            self.end_refusal();
        }
        self.heard();
        true
    }

    fn follow(&self, offered: Snapshot) {
        if let Err(error) = self.0.memory.keep(&offered) {
            tracing::error!(error = chain(&error), "the routes are served, but not remembered");
        }
        let mut state = self.state();
        // What is new beside what we knew was published just now; on a first meeting it may be as old as it likes.
        let newcomers = if state.followed.is_some() { Health::PUBLISHED } else { Health::UNKNOWN };
        state.sides.follow(&offered.routes, newcomers);
        state.followed = Some(Arc::new(offered));
        state.change();
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
            state.change();
        }
    }

    /// Every side that there was at the start has been looked at.
    pub fn looked(&self) {
        let mut state = self.state();
        if !state.looked {
            state.looked = true;
            state.change();
        }
    }

    /// The routes that are followed.
    pub fn followed(&self) -> Option<Arc<Snapshot>> {
        self.state().followed.clone()
    }

    /// Traefik is asked to order these certificates, for a moment.
    pub fn ask(&self, certificates: BTreeSet<Certificate>) {
        let mut state = self.state();
        state.asked = Asked { certificates, told_at: None };
        state.change();
    }

    /// Whether that moment is not over.
    pub fn is_asking(&self) -> bool {
        !self.state().asked.certificates.is_empty()
    }

    /// Traefik's configuration, once there is one. Made when it is asked for: a thousand sides that change together, as when their
    /// database goes away, are one document.
    pub fn document(&self) -> Option<Document> {
        let (followed, sides, asked, version) = {
            let mut state = self.state();
            if state.asked.told_at.is_some_and(|at| at.elapsed() >= ASKED_FOR) {
                state.asked = Asked::default();
                state.change();
            }
            let followed = state.followed.clone().filter(|_| state.looked)?;
            let version = *state.changes.borrow();
            if let Some(made) = state.made.as_ref().filter(|made| made.version == version) {
                return Some(made.clone());
            }
            (followed, state.sides.clone(), state.asked.certificates.clone(), version)
        };
        let ready = |route: &_, color| sides.is_ready(route, color);
        let text = Bytes::from(document(&followed.routes, ready, &asked, &self.0.settings).to_string());
        let document = Document { text, version };
        let mut state = self.state();
        if !asked.is_empty() && state.asked.certificates == asked {
            state.asked.told_at.get_or_insert_with(Instant::now);
        }
        if state.made.as_ref().is_none_or(|made| made.version < version) {
            state.made = Some(document.clone());
            metrics::served(followed.routes.len(), sides.waiting());
        }
        Some(document)
    }

    /// Waits until there is another document than this one, or may be.
    pub async fn changed_since(&self, version: u64) {
        let mut changes = self.state().changes.subscribe();
        // The other end is this relay's.
        let _ = changes.wait_for(|changes| *changes != version).await;
    }

    /// How the relay is.
    pub fn report(&self) -> Report {
        let state = self.state();
        Report {
            record: state.followed.as_ref().map(|followed| followed.record),
            routes: state.followed.as_ref().map_or(0, |followed| followed.routes.len()),
            sides_waiting: state.sides.waiting(),
            heard_seconds_ago: state.heard_at.map(|at| at.elapsed().as_secs()),
            refused: state.refused.get(),
        }
    }
}

impl State {
    /// What the document is made of has changed.
    fn change(&mut self) {
        self.changes.send_modify(|changes| *changes += 1);
        let latch = self.not_ready.take_if(|_| self.looked && self.followed.is_some());
        latch.into_iter().for_each(Latch::release);
    }
}
