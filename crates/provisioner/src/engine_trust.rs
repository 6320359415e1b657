//! Whose engine this is.
//!
//! Record and engine know each other: the record has an identity, and the engine remembers the identity of the record that drives
//! it. Services that were started on another database under the same name are strangers there: all that the engine has is unknown
//! to them, and whatever they did about that would be wrong (docs/adr/0018-strangers.md).

use std::{
    collections::BTreeSet,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use common::{
    id::{IdError, RecordId, TenantId},
    operations::Gate,
    service::{Latch, Readiness},
};

/// What `/ready` says of a stranger.
const LATCH: &str = "a person: the engine belongs to another record";

/// From which record a person lets this one take the engine over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOver {
    /// From whichever did not leave its name.
    Unmarked,
    From(RecordId),
}

impl FromStr for TakeOver {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == "unmarked" { Ok(Self::Unmarked) } else { text.parse().map(Self::From) }
    }
}

/// What was found of both sides.
#[derive(Debug)]
pub struct Meeting<'a> {
    pub record: RecordId,
    /// The record that the engine remembers.
    pub noted: Option<RecordId>,
    /// Whose things the engine has.
    pub tenants: &'a BTreeSet<TenantId>,
    /// Whether the record has heard of any of them.
    pub acquainted: bool,
    /// Whether this process has not looked before.
    pub first: bool,
    pub take_over: Option<TakeOver>,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ours,
    /// It becomes ours, from this one.
    Adopt(Option<RecordId>),
    Stranger,
}

/// Decides. Pure.
pub fn judge(meeting: &Meeting<'_>) -> Verdict {
    let empty = meeting.tenants.is_empty();
    match meeting.noted {
        Some(noted) if noted == meeting.record => Verdict::Ours,
        // Nothing to protect. Later than at the start, it is somebody else who takes it away.
        Some(noted) if empty && meeting.first => Verdict::Adopt(Some(noted)),
        Some(noted) if meeting.take_over == Some(TakeOver::From(noted)) => Verdict::Adopt(Some(noted)),
        Some(_) => Verdict::Stranger,
        // An engine of before there were notes, or one whose note got lost.
        None if empty || meeting.acquainted || meeting.take_over.is_some() => Verdict::Adopt(None),
        None => Verdict::Stranger,
    }
}

/// How this process stands to its engine; clones are the same one.
#[derive(Clone)]
pub struct EngineTrust(Arc<Inner>);

struct Inner {
    gate: Gate,
    readiness: Readiness,
    take_over: Option<TakeOver>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    looked: bool,
    /// Held while we are strangers.
    held: Option<Latch>,
}

impl EngineTrust {
    /// Nothing is known yet, so the gate stays closed.
    pub fn new(readiness: Readiness, take_over: Option<TakeOver>) -> Self {
        let (gate, state) = (Gate::closed(), Mutex::default());
        Self(Arc::new(Inner { gate, readiness, take_over, state }))
    }

    /// What the worker passes before it claims anything.
    pub fn gate(&self) -> Gate {
        self.0.gate.clone()
    }

    /// From whom a person lets us take the engine over.
    pub fn take_over(&self) -> Option<TakeOver> {
        self.0.take_over
    }

    /// Whether nobody has looked in this process before.
    pub fn is_first_look(&self) -> bool {
        !self.state().looked
    }

    /// Whether the engine is known to be somebody else's.
    pub fn is_stranger(&self) -> bool {
        self.state().held.is_some()
    }

    /// Notes whether the engine is ours. Says whether that is news.
    pub fn settle(&self, ours: bool) -> bool {
        let mut state = self.state();
        let news = !state.looked || state.held.is_some() == ours;
        state.looked = true;
        match (ours, state.held.is_some()) {
            (true, true) => state.held.take().into_iter().for_each(Latch::release),
            (false, false) => state.held = Some(self.0.readiness.latch(LATCH)),
            (true, false) | (false, true) => {}
        }
        self.0.gate.set(ours);
        metrics::gauge!("rp9_engine_stranger").set(f64::from(u8::from(!ours)));
        news
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_known_to_the_engine_or_knows_it_is_no_stranger() {
        let (ours, other, third) = (RecordId::generate(), RecordId::generate(), RecordId::generate());
        let (none, some) = (BTreeSet::new(), BTreeSet::from([TenantId::generate()]));
        let judged = |noted, tenants, acquainted, first, take_over| {
            judge(&Meeting { record: ours, noted, tenants, acquainted, first, take_over })
        };
        // An upgrade in place: no note yet, and tenants that the record knows.
        assert_eq!(judged(None, &some, true, true, None), Verdict::Adopt(None));
        assert_eq!(judged(None, &none, false, true, None), Verdict::Adopt(None));
        assert_eq!(judged(None, &some, false, true, None), Verdict::Stranger);
        assert_eq!(judged(None, &some, false, true, Some(TakeOver::Unmarked)), Verdict::Adopt(None));
        // From the second time on.
        assert_eq!(judged(Some(ours), &some, false, false, None), Verdict::Ours);
        // A restored record may know some of the tenants and still be another one.
        assert_eq!(judged(Some(other), &some, true, true, None), Verdict::Stranger);
        assert_eq!(judged(Some(other), &none, false, true, None), Verdict::Adopt(Some(other)));
        assert_eq!(judged(Some(other), &none, false, false, None), Verdict::Stranger);
        // A person names the one it is taken from, so that what is left in a configuration does no harm later.
        let from = |record| Some(TakeOver::From(record));
        assert_eq!(judged(Some(other), &some, false, true, from(other)), Verdict::Adopt(Some(other)));
        assert_eq!(judged(Some(third), &some, false, true, from(other)), Verdict::Stranger);
        assert_eq!(judged(Some(other), &some, false, true, Some(TakeOver::Unmarked)), Verdict::Stranger);
    }

    #[test]
    fn a_stranger_is_not_ready_and_its_gate_is_closed_until_it_is_none() {
        let readiness = Readiness::default();
        let engine_trust = EngineTrust::new(readiness.clone(), None);
        assert!(!engine_trust.gate().is_open() && readiness.check().is_ok(), "nobody has looked yet");
        assert!(engine_trust.settle(false) && !engine_trust.settle(false), "told once");
        assert!(engine_trust.is_stranger() && !engine_trust.gate().is_open());
        assert!(readiness.check().unwrap_err().contains("belongs to another record"));
        assert!(engine_trust.settle(true) && !engine_trust.settle(true));
        assert!(!engine_trust.is_stranger() && engine_trust.gate().is_open() && readiness.check().is_ok());
    }
}
