//! What must never happen, checked the moment it would.
//!
//! The oracle keeps its own account of leases, journals and effects from what really happened at the far end of every link. It
//! shares no code with what it judges.

mod attempts;
mod effects;
mod end;
mod journal;
mod lease;
mod parts;
mod transition;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use common::{
    id::OperationId,
    operations::{OperationKind, Subject},
};
use tokio::{task, time::Instant};

use self::journal::StepAccount;
pub use self::transition::Intent;
use super::{name, sagas};
use crate::memory::{JournalRow, Request, Status};

/// The account of every operation.
#[derive(Default)]
pub struct Oracle {
    cases: BTreeMap<OperationId, Case>,
    /// Looks at the fence that have not been followed by an effect yet. Each claim is driven in a task of its own.
    looks: HashMap<(task::Id, OperationId), i64>,
    /// Steps that asked to be looked at again, after which pause, and what they had saved.
    later: HashMap<(task::Id, OperationId), (Duration, u64)>,
    /// Steps that panicked, which nobody has tried to tell the record yet.
    panicking: HashSet<(task::Id, OperationId)>,
    violation: Option<String>,
}

/// The account of one operation.
struct Case {
    kind: &'static OperationKind,
    subject: Subject,
    /// Its place in the order of acceptance, as the server stamped it.
    stamp: (Duration, OperationId),
    deadline: Duration,
    /// The newest fence, and until when its lease runs unless it was given back.
    fence: i64,
    lease_until: Option<Duration>,
    /// Whether the newest holder was told that the deadline has passed, and when it passes by a clock that nobody sets.
    told_late: bool,
    deadline_at: Instant,
    /// What it is a part of.
    parent: Option<OperationId>,
    /// Whoever held it before vanished in the middle of a step, and nobody has noted that yet.
    owes_a_loss: bool,
    /// What the steps saved while they waited.
    looks: u64,
    going_back: bool,
    cancelled: bool,
    end: Option<Status>,
    stuck: bool,
    steps: Vec<StepAccount>,
    written: Vec<JournalRow>,
}

impl Oracle {
    /// The first rule that did not hold.
    pub fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    pub fn violated(&mut self, id: OperationId, rule: impl std::fmt::Display) {
        self.violation.get_or_insert_with(|| format!("{}: {rule}", name(id)));
    }

    fn rule(&mut self, id: OperationId, holds: bool, rule: &str) {
        if !holds {
            self.violated(id, rule);
        }
    }

    fn judge(&mut self, id: OperationId, verdict: Verdict) {
        if let Err(rule) = verdict {
            self.violated(id, rule);
        }
    }

    fn case(&mut self, id: OperationId) -> &mut Case {
        self.cases.get_mut(&id).expect("only accepted operations are handed out")
    }

    pub fn accepted(&mut self, request: &Request, now: Duration) {
        let case = Case {
            kind: request.kind,
            subject: request.subject.clone(),
            stamp: (now, request.id),
            deadline: now + request.deadline,
            fence: 0,
            lease_until: None,
            told_late: false,
            deadline_at: Instant::now() + request.deadline,
            parent: request.parent,
            owes_a_loss: false,
            looks: 0,
            going_back: false,
            cancelled: false,
            end: None,
            stuck: false,
            steps: vec![StepAccount::default(); sagas::steps(request.kind)],
            written: Vec::new(),
        };
        let before = self.cases.insert(request.id, case);
        self.rule(request.id, before.is_none(), "an operation is accepted once");
    }

    /// Somebody's cancellation was accepted.
    pub fn cancelled(&mut self, id: OperationId) {
        let case = self.case(id);
        let possible = case.cancelled || case.fence == 0 || (case.kind.unwinds && !case.going_back);
        let over = case.end.is_some() && !case.cancelled;
        if case.fence == 0 {
            case.end = Some(Status::RolledBack);
        }
        case.cancelled = true;
        self.rule(id, possible && !over, "what cannot be cancelled is not");
    }

    /// A person let it go on.
    pub fn resumed(&mut self, id: OperationId, row: JournalRow) {
        let case = self.case(id);
        case.stuck = false;
        case.steps.iter_mut().for_each(StepAccount::forget_attempts);
        case.written.push(row);
    }

    /// A person gave it up.
    pub fn abandoned(&mut self, id: OperationId) {
        let case = self.case(id);
        case.stuck = false;
        case.end = Some(Status::Abandoned);
    }

    /// A process took longer to stop than it is given.
    pub fn stopped_late(&mut self, process: &str, excused: bool) {
        if !excused {
            let rule = format!("{process}: whatever a step waits for, its process stops in time");
            self.violation.get_or_insert(rule);
        }
    }

    /// The lease was ended by force.
    pub fn lease_ended(&mut self, id: OperationId, now: Duration) {
        self.case(id).lease_until = Some(now);
    }
}

type Verdict = Result<(), &'static str>;

fn must(holds: bool, rule: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(rule) }
}
