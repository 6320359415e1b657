//! What must never happen, checked the moment it would.
//!
//! The oracle keeps its own account of leases, journals and effects from what really happened at the far end of every link. It
//! shares no code with what it judges.

mod effects;
mod end;
mod journal;
mod lease;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use common::{
    error::Kind,
    id::{OperationId, TenantId},
    operations::OperationKind,
};
use tokio::task;

use self::journal::StepAccount;
use super::{name, sagas};
use crate::memory::{JournalRow, Request, Status};

/// The account of every operation.
#[derive(Default)]
pub struct Oracle {
    cases: BTreeMap<OperationId, Case>,
    /// Looks at the fence that have not been followed by an effect yet. Each claim is driven in a task of its own.
    looks: HashMap<(task::Id, OperationId), i64>,
    violation: Option<String>,
}

/// The account of one operation.
struct Case {
    kind: &'static OperationKind,
    tenant: TenantId,
    /// Its place in the order of acceptance, as the server stamped it.
    stamp: (Duration, OperationId),
    deadline: Duration,
    /// The newest fence, and until when its lease runs unless it was given back.
    fence: i64,
    lease_until: Option<Duration>,
    /// Whether the newest holder was told that the deadline has passed.
    late: bool,
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

    fn judge(&mut self, id: OperationId, verdict: Result<(), &str>) {
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
            tenant: request.tenant,
            stamp: (now, request.id),
            deadline: now + request.deadline,
            fence: 0,
            lease_until: None,
            late: false,
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

    /// The lease was ended by force.
    pub fn lease_ended(&mut self, id: OperationId, now: Duration) {
        self.case(id).lease_until = Some(now);
    }
}

/// How often a step may be begun before failures of this kind are final.
fn limit(kind: Kind) -> Option<u32> {
    match kind {
        Kind::Unavailable | Kind::Throttled => None,
        Kind::Timeout | Kind::Upstream => Some(8),
        Kind::Internal => Some(3),
        Kind::Invalid | Kind::Unauthenticated | Kind::Forbidden | Kind::NotFound | Kind::Conflict => Some(1),
    }
}

/// How often what has no way back is tried before a person is called.
const LAST_ATTEMPT: u32 = 25;
