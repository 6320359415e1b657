//! What may be done to the outside.

use common::id::OperationId;
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
        let (open, inside) = (case.end.is_none() && !case.stuck, meant == Some(fence));
        self.rule(id, open, "what is over has no effects");
        self.rule(id, inside, "effects are those of the step that its journal says is under way");
        true
    }

    /// Operations that have not ended.
    pub fn open(&self) -> Vec<OperationId> {
        let open = self.cases.iter().filter(|(_, case)| case.end.is_none());
        open.map(|(id, _)| *id).collect()
    }
}
