//! Operations as the API shows them: every step, folded from the journal.

mod filter;

use common::{
    id::{OperationId, TenantId},
    operations::Event,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    auth::Role,
    store::operations::{JournalRow, Operation},
    vocabulary,
};

pub use filter::Filter;

/// A piece of long work with every step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub struct OperationView {
    #[serde(flatten)]
    summary: OperationSummary,
    steps: Vec<StepView>,
}

/// A piece of long work.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationSummary {
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    id: OperationId,
    #[schema(value_type = vocabulary::OperationKinds)]
    kind: String,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    /// Instead of a tenant: what it is done to.
    cluster_id: Option<String>,
    /// `queued`, `running`, `undoing`; in the end `succeeded`, `rolled_back` or `abandoned`; `stuck` while it waits for a
    /// person.
    #[schema(value_type = vocabulary::OperationStatus)]
    status: String,
    /// Somebody cancelled it: it goes back, or has.
    cancelled: bool,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    error: Option<Failure>,
}

/// One step, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepView {
    name: String,
    status: StepStatus,
    /// How often it was begun. Looking again at what waits is no attempt.
    attempts: u32,
    #[serde(with = "rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// Its last failure, also when a later attempt succeeded.
    error: Option<Failure>,
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Running,
    /// It is begun and cannot be finished yet: it is looked at again. Nothing is wrong.
    Waiting,
    Succeeded,
    Failed,
    Undoing,
    Undone,
    UndoFailed,
}

/// Why something did not work, in public words; with more for those who run the platform.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(from = "Value")]
pub struct Failure {
    #[schema(value_type = vocabulary::FailureKind)]
    kind: String,
    detail: String,
    /// What can be done about it. For `admin` and `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// What lies behind it. For `admin` and `operator`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// The two public parts; whatever else a service kept with an error stays there.
impl From<Value> for Failure {
    fn from(error: Value) -> Self {
        Self::of(&error)
    }
}

impl Failure {
    fn of(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            kind: text("kind").unwrap_or_else(|| "internal".into()),
            detail: text("detail").unwrap_or_else(|| "Something went wrong on our side.".into()),
            hint: None,
            cause: None,
        }
    }

    /// For somebody with this role.
    fn told_to(role: Role, error: &Value, cause: Option<&String>) -> Self {
        let failure = Self::of(error);
        match role {
            Role::Admin | Role::Operator => Self {
                hint: error.get("hint").and_then(Value::as_str).map(str::to_owned),
                cause: cause.cloned(),
                ..failure
            },
            Role::Service | Role::Owner => failure,
        }
    }
}

impl OperationView {
    /// An operation and what its journal says, as somebody with this role sees it.
    pub fn new(operation: Operation, journal: &[JournalRow], role: Role) -> Self {
        Self { summary: OperationSummary::new(operation, role), steps: steps(journal, role) }
    }
}

impl OperationSummary {
    /// An operation without its steps, as somebody with this role sees it.
    pub fn new(operation: Operation, role: Role) -> Self {
        let told = |error: &Value| Failure::told_to(role, error, operation.cause.as_ref());
        Self {
            error: operation.error.as_ref().map(told),
            id: operation.id,
            kind: operation.kind,
            tenant_id: operation.tenant_id,
            cluster_id: operation.cluster_id,
            status: operation.status,
            cancelled: operation.cancellation.is_some(),
            created_at: operation.created_at,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
        }
    }
}

/// Folds a journal, in the order it was written, into one line a step.
fn steps(journal: &[JournalRow], role: Role) -> Vec<StepView> {
    let mut steps = std::collections::BTreeMap::new();
    for row in journal {
        // An event of a later version says nothing to this one.
        if let Some(event) = Event::of_word(&row.event) {
            let step = steps.entry(row.ordinal).or_insert_with(|| StepView::new(&row.step));
            step.apply(event, row, role);
        }
    }
    steps.into_values().collect()
}

impl StepView {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            status: StepStatus::Running,
            attempts: 0,
            started_at: None,
            finished_at: None,
            error: None,
        }
    }

    fn apply(&mut self, event: Event, row: &JournalRow, role: Role) {
        self.status = match event {
            Event::Resumed => self.status,
            Event::Started => StepStatus::Running,
            // What is undone shows that it is, also while that has to wait.
            Event::Waiting if self.status == StepStatus::Undoing => StepStatus::Undoing,
            Event::Waiting => StepStatus::Waiting,
            Event::Succeeded => StepStatus::Succeeded,
            Event::Failed => StepStatus::Failed,
            Event::UndoStarted => StepStatus::Undoing,
            Event::Undone => StepStatus::Undone,
            Event::UndoFailed => StepStatus::UndoFailed,
        };
        match event {
            Event::Started => {
                self.attempts += 1;
                self.started_at.get_or_insert(row.at);
                self.finished_at = None;
            }
            Event::UndoStarted => self.finished_at = None,
            Event::Resumed | Event::Waiting => {}
            Event::Succeeded | Event::Failed | Event::Undone | Event::UndoFailed => {
                self.finished_at = Some(row.at);
            }
        }
        if let Some(error) = &row.error {
            self.error = Some(Failure::told_to(role, error, row.cause.as_ref()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    fn row(ordinal: i32, event: &str, second: u8, error: Option<Value>) -> JournalRow {
        let at = datetime!(2026-08-01 12:00 UTC) + time::Duration::seconds(second.into());
        JournalRow {
            ordinal,
            step: format!("step-{ordinal}"),
            event: event.into(),
            error,
            cause: Some("10.0.0.7".into()),
            at,
        }
    }

    #[test]
    fn a_step_that_failed_and_then_succeeded_tells_both() {
        let failure =
            json!({ "step": "step-0", "kind": "timeout", "detail": "It took too long.", "hint": "Wait." });
        let rows = [
            row(0, "started", 1, None),
            row(0, "failed", 2, Some(failure)),
            row(0, "started", 3, None),
            row(0, "succeeded", 4, None),
            row(1, "started", 4, None),
        ];
        let told = |role| serde_json::to_value(&steps(&rows, role)[0].error).unwrap();
        for role in [Role::Service, Role::Owner] {
            assert_eq!(told(role), json!({ "kind": "timeout", "detail": "It took too long." }));
        }
        let steps = steps(&rows, Role::Admin);
        assert_eq!((steps[0].status, steps[0].attempts), (StepStatus::Succeeded, 2));
        assert_eq!(steps[0].started_at, Some(rows[0].at));
        assert_eq!(steps[0].finished_at, Some(rows[3].at));
        let error = serde_json::to_value(&steps[0].error).unwrap();
        let all = json!({
            "kind": "timeout", "detail": "It took too long.", "hint": "Wait.", "cause": "10.0.0.7"
        });
        assert_eq!(error, all);
        assert_eq!((steps[1].status, steps[1].finished_at), (StepStatus::Running, None));
    }

    #[test]
    fn an_undone_step_says_so() {
        let rows = [row(0, "started", 1, None), row(0, "failed", 2, None), row(0, "undo_started", 3, None)];
        assert_eq!(steps(&rows, Role::Owner)[0].status, StepStatus::Undoing);
        let undone = rows.into_iter().chain([row(0, "undo_failed", 4, None), row(0, "undone", 5, None)]);
        assert_eq!(steps(&undone.collect::<Vec<_>>(), Role::Owner)[0].status, StepStatus::Undone);
    }

    #[test]
    fn a_step_that_waits_says_so_and_is_no_attempt() {
        let mut rows =
            vec![row(0, "started", 1, None), row(0, "waiting", 2, None), row(0, "waiting", 3, None)];
        let waiting = &steps(&rows, Role::Owner)[0];
        assert_eq!((waiting.status, waiting.attempts), (StepStatus::Waiting, 1));
        assert_eq!((waiting.finished_at, &waiting.error), (None, &None));
        rows.push(row(0, "undo_started", 4, None));
        rows.push(row(0, "waiting", 5, None));
        assert_eq!(steps(&rows, Role::Owner)[0].status, StepStatus::Undoing);
        rows.truncate(3);
        rows.push(row(0, "succeeded", 4, None));
        let done = &steps(&rows, Role::Owner)[0];
        assert_eq!((done.status, done.attempts), (StepStatus::Succeeded, 1));
    }

    #[test]
    fn an_event_of_a_later_version_is_passed_over() {
        assert!(steps(&[row(0, "napped", 1, None)], Role::Owner).is_empty());
    }
}
