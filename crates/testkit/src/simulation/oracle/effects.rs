//! What may be done to the outside.

use std::time::Duration;

use common::{id::OperationId, operations::NewEntry};
use tokio::task;

use super::{super::outside::Effect, Oracle};

impl Oracle {
    /// An effect arrives. Returns whether it is taken: not if its sender was overtaken on the way, after its look.
    pub fn landed(&mut self, effect: Effect, doing: bool) -> bool {
        let (id, ordinal, _) = effect;
        let Some(fence) = self.looks.remove(&(task::id(), id)) else {
            self.violated(id, "every effect has a look at the fence of its own");
            return false;
        };
        if self.case(id).fence != fence {
            return false;
        }
        let case = self.case(id);
        let step = &case.steps[ordinal];
        let meant = if doing { step.running } else { step.undoing };
        let inside = meant == Some(fence) || (doing && step.waiting);
        let open = case.end.is_none() && !case.stuck;
        self.rule(id, open, "what is over has no effects");
        self.rule(id, inside, "effects are those of the step that its journal says is under way");
        true
    }

    /// A step panics. Whoever drives it says so before it does anything else.
    pub fn panics(&mut self, id: OperationId) {
        self.panicking.insert((task::id(), id));
    }

    /// Somebody is about to write what came of it.
    pub fn tells(&mut self, id: OperationId, entries: &[NewEntry<'_>]) {
        let panicked = self.panicking.remove(&(task::id(), id));
        let failed =
            |entry: &NewEntry<'_>| entry.error.as_ref().is_some_and(|error| error["kind"] == "internal");
        self.rule(id, !panicked || entries.iter().any(failed), "a panic is a failure of ours");
    }

    /// A step asks to be looked at again after this pause, and to be handed then what it has saved so far.
    pub fn asks_for_later(&mut self, id: OperationId, pause: Duration, looks: u64) {
        self.later.insert((task::id(), id), (pause, looks));
    }

    /// Whether this operation may be what ends its processes, as far as the record knows.
    pub fn is_suspicious(&mut self, id: OperationId) -> bool {
        self.case(id).is_suspicious()
    }

    /// Operations that have not ended.
    pub fn open(&self) -> Vec<OperationId> {
        let open = self.cases.iter().filter(|(_, case)| case.end.is_none());
        open.map(|(id, _)| *id).collect()
    }
}
