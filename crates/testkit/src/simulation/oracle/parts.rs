//! What must be true of operations that are done as parts of others.

use std::time::Duration;

use common::{
    id::OperationId,
    operations::{Event, NewEntry, NewOperation},
};

use super::{super::sagas, Case, Oracle};
use crate::memory::{Request, Status};

impl Oracle {
    pub(super) fn parts_of(&self, id: OperationId) -> impl Iterator<Item = &Case> {
        self.cases.values().filter(move |case| case.parent == Some(id))
    }

    /// A part was accepted, as the holder of this fence of its parent asked.
    pub fn part_accepted(&mut self, new: &NewOperation<'_>, parent: OperationId, fence: i64, now: Duration) {
        let of = self.case(parent);
        let holds = of.holds(fence, now) && of.end.is_none() && !of.stuck;
        let forward = !of.going_back && !of.cancelled;
        let begun = of.steps[sagas::DELEGATED].begun && !of.steps[sagas::DELEGATED].succeeded;
        let subject = of.subject.clone();
        let needed = self
            .parts_of(parent)
            .all(|part| matches!(part.end, Some(Status::RolledBack | Status::Abandoned)));
        self.rule(parent, holds, "a part is accepted under its parent's lease");
        self.rule(
            parent,
            forward && begun,
            "a part is accepted in the step that has it done, and not while going back",
        );
        self.rule(
            parent,
            needed,
            "a part is accepted once, and anew only when nothing came of the one before",
        );
        let request = Request {
            id: new.id,
            kind: new.kind,
            subject,
            parent: Some(parent),
            priority: 1,
            delay: Duration::ZERO,
            deadline: new.kind.deadline,
        };
        self.accepted(&request, now);
    }

    /// A part was called off because of what it is a part of.
    pub fn part_called_off(&mut self, id: OperationId) {
        let case = self.case(id);
        let open = case.end.is_none();
        if case.fence == 0 {
            case.end = Some(Status::RolledBack);
        }
        case.cancelled = true;
        self.rule(id, open, "what is over is not called off");
    }

    /// What was just written to an operation's journal agrees with how its parts are.
    pub(super) fn judge_parts(&mut self, id: OperationId, entries: &[NewEntry<'_>]) {
        let (kind, end) = (self.case(id).kind, self.case(id).end);
        let wrote = |event| {
            entries.iter().any(|entry| entry.event == event && sagas::is_delegated(kind, entry.ordinal))
        };
        let (succeeded, undone) = (wrote(Event::Succeeded), wrote(Event::Undone));
        let done = self.parts_of(id).any(|part| part.end == Some(Status::Succeeded));
        let over = self.parts_of(id).all(|part| part.end.is_some());
        self.rule(id, !succeeded || done, "a step succeeds when its part has");
        self.rule(id, !undone || over, "a step is undone when its part is over");
        self.rule(id, end.is_none() || over, "an operation ends after its parts");
    }
}
