//! What was asked of a fake world, by whom, and what is to go wrong next.

use std::collections::{BTreeMap, VecDeque};

/// One call: it is noted when it begins, so a call that failed is in the ledger too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub verb: &'static str,
    /// The tenant, database or version the call was about; empty for `observe`.
    pub target: String,
    pub actor: String,
    /// Whether the world changed or was read as asked. False when a fault came first.
    pub took_effect: bool,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens, and the caller is told that the server is away.
    BeforeEffect,
    /// It happens, and the caller is told that the server is away: the answer was lost.
    AfterEffect,
}

/// The ledger and the faults of one world.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) entries: Vec<Entry>,
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    pub(super) unreachable: bool,
}

impl Ledger {
    /// The next call of `verb` goes wrong like this; further faults queue up behind it.
    pub(super) fn inject(&mut self, verb: &'static str, fault: Fault) {
        self.faults.entry(verb).or_default().push_back(fault);
    }

    /// Notes the call and says how it goes wrong, if it does.
    pub(super) fn begin(&mut self, verb: &'static str, target: String, actor: &str) -> Option<Fault> {
        let next = self.faults.get_mut(verb).and_then(VecDeque::pop_front);
        let fault = if self.unreachable { Some(Fault::BeforeEffect) } else { next };
        let took_effect = fault != Some(Fault::BeforeEffect);
        self.entries.push(Entry { verb, target, actor: actor.to_owned(), took_effect });
        fault
    }
}
