//! Who may act.

use std::time::Duration;

use common::{
    id::OperationId,
    operations::{Claimed, NewEntry, Transition},
};

use tokio::{task, time::Instant};

use super::{Case, Intent, Oracle, Verdict, journal::StepAccount};

impl Case {
    pub(super) fn holds(&self, fence: i64, now: Duration) -> bool {
        self.fence == fence && self.lease_until.is_some_and(|until| until > now)
    }

    /// Whether it keeps others of its tenant waiting.
    fn has_begun(&self) -> bool {
        self.fence > 0 && self.end.is_none()
    }
}

impl Oracle {
    pub fn claimed(&mut self, claimed: &Claimed, now: Duration, lease: Duration) {
        let id = claimed.id;
        let (subject, stamp) = (self.case(id).subject.clone(), self.case(id).stamp);
        // The parts of an operation take turns with each other and with nobody else.
        let parent = self.case(id).parent;
        let same = |other: &&Case| other.subject == subject && other.parent == parent && other.stamp.1 != id;
        let others = || self.cases.values().filter(same);
        let alone = !others().any(Case::has_begun);
        let first = !others().any(|other| other.end.is_none() && other.fence == 0 && other.stamp < stamp);
        let begins = claimed.fence == 1;
        self.rule(id, alone, "two operations of one tenant never run at once");
        self.rule(id, first || !begins, "operations of one tenant begin in the order of their acceptance");
        let case = self.case(id);
        let verdict = case.hand_out(claimed, now);
        case.fence = claimed.fence;
        case.lease_until = Some(now + lease);
        case.told_late = claimed.is_late();
        case.deadline_at = claimed.deadline;
        case.owes_a_loss = claimed.orphaned && case.steps.iter().any(StepAccount::is_open);
        case.going_back |= claimed.undoing;
        self.judge(id, verdict);
    }

    pub fn renewed(&mut self, id: OperationId, fence: i64, done: bool, now: Duration, lease: Duration) {
        let case = self.case(id);
        let holds = case.holds(fence, now);
        let given_back = case.fence == fence && case.lease_until.is_none();
        if done && !given_back {
            case.lease_until = Some(now + lease);
        }
        self.rule(id, !done || holds || given_back, "only its holder renews a lease");
        self.rule(id, done || !holds, "a lease that runs can be renewed");
    }

    pub fn checked(&mut self, id: OperationId, fence: i64, passed: bool, now: Duration) {
        let holds = self.case(id).holds(fence, now);
        self.rule(id, passed == holds, "a look at the fence says who holds the lease");
        if passed {
            self.looks.insert((task::id(), id), fence);
        }
    }

    /// A write was taken (`undoing`: its answer) or refused (`None`).
    #[expect(clippy::too_many_arguments, reason = "everything that the record is given, and its answer")]
    pub fn wrote(
        &mut self,
        id: OperationId,
        fence: i64,
        entries: &[NewEntry<'_>],
        transition: &Transition,
        undoing: Option<bool>,
        stopping: bool,
        now: Duration,
        lease: Duration,
    ) {
        let later = self.later.remove(&(task::id(), id));
        let (later, saves) = later.unzip();
        let intent = Intent { stopping, later, has_parts: self.parts_of(id).next().is_some() };
        let holds = self.case(id).holds(fence, now);
        self.rule(id, undoing.is_some() == holds, "a journal is written under its lease and only so");
        let Some(undoing) = undoing else { return };
        let case = self.case(id);
        let verdict = case
            .append(entries, fence, intent)
            .and_then(|()| case.transition(entries, transition, intent, now, lease));
        let rests = matches!(transition, Transition::Postpone { .. }) && !undoing;
        let saved = saves.is_none_or(|looks| case.looks == looks);
        let direction = case.end.is_some() || case.stuck || case.going_back == undoing;
        self.judge(id, verdict);
        self.rule(id, !rests || saved, "what a look saves is in the journal before it rests");
        self.judge_parts(id, entries);
        self.rule(id, direction, "a worker is told when its operation goes back, and only then");
    }
}

impl Case {
    fn hand_out(&self, claimed: &Claimed, now: Duration) -> Verdict {
        if claimed.fence != self.fence + 1 {
            return Err("every claim has the next fence");
        }
        if self.lease_until.is_some_and(|until| until > now) {
            return Err("a lease that runs is not handed out");
        }
        if self.end.is_some() || self.stuck {
            return Err("what is over or stuck is not handed out");
        }
        if claimed.undoing != (self.going_back || self.cancelled) {
            return Err("what was cancelled is handed out to go back, and nothing else is");
        }
        if claimed.deadline != Instant::now() + self.deadline.saturating_sub(now) {
            return Err("whoever claims is told how much time is left");
        }
        if claimed.orphaned != self.lease_until.is_some() {
            return Err("whoever claims is told whether the one before gave it back");
        }
        Ok(())
    }
}
