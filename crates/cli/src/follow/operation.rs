//! An operation, as far as following it needs.

use serde::Deserialize;

use crate::{failure::Failure, output::lasted};

/// A piece of long work.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Operation {
    pub id: String,
    pub kind: String,
    pub status: String,
    pub tenant_id: Option<String>,
    pub error: Option<Failed>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub steps: Vec<Step>,
}

/// One step, and how far it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    pub name: String,
    pub status: String,
    pub attempts: u64,
    pub error: Option<Failed>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
}

/// Why something did not work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Failed {
    pub detail: String,
    pub hint: Option<String>,
    pub cause: Option<String>,
}

/// How an operation ends; stuck, it waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Succeeded,
    RolledBack,
    Stuck,
    Abandoned,
}

#[derive(Deserialize)]
struct Document {
    data: Operation,
}

impl Operation {
    /// Reads `GET /operations/{id}`.
    pub fn read(body: &[u8]) -> Result<Self, Failure> {
        Ok(serde_json::from_slice::<Document>(body)?.data)
    }

    /// How it has ended, if it has.
    pub fn end(&self) -> Option<End> {
        match self.status.as_str() {
            "succeeded" => Some(End::Succeeded),
            "rolled_back" => Some(End::RolledBack),
            "stuck" => Some(End::Stuck),
            "abandoned" => Some(End::Abandoned),
            _ => None,
        }
    }

    /// Its end in a line.
    pub fn conclusion(&self) -> String {
        let took = lasted(self.started_at.as_deref(), self.finished_at.as_deref());
        let took = took.map(|took| format!(" after {took}")).unwrap_or_default();
        format!("{} {}{took}", self.kind, self.status.replace('_', " "))
    }

    /// An end that was not asked for: what happened, why, and what to do.
    pub fn account(&self, end: End) -> Vec<String> {
        let mut lines = vec![self.conclusion()];
        if let Some(Failed { detail, hint, cause }) = &self.error {
            lines.push(format!("  {detail}"));
            lines.extend(hint.iter().map(|hint| format!("  {hint}")));
            lines.extend(cause.iter().map(|cause| format!("  because: {cause}")));
        }
        let id = &self.id;
        match end {
            End::Stuck => {
                lines.push("  It waits for a person. When what stopped it is mended, or to leave everything as it is:".to_owned());
                lines.push(format!("    rp9 operations resume {id} --reason …"));
                lines.push(format!("    rp9 operations abandon {id} --reason …"));
            }
            End::RolledBack | End::Abandoned | End::Succeeded => {
                lines.push(format!("  Every step: rp9 operations show {id}"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuck() -> Operation {
        let body = br#"{"data":{"id":"op_1","kind":"tenant.create","status":"stuck","tenant_id":"ten_1","later":{},
            "started_at":"2026-08-01T12:00:00Z","finished_at":null,
            "error":{"kind":"upstream","detail":"Docker answered with an error.","hint":"Look at its log.","cause":"500: no space"},
            "steps":[{"name":"reserve","status":"succeeded","attempts":1}]}}"#;
        Operation::read(body).unwrap()
    }

    #[test]
    fn what_is_stuck_says_why_and_what_a_person_can_do() {
        let lines = stuck().account(End::Stuck);
        assert_eq!(
            lines,
            [
                "tenant.create stuck",
                "  Docker answered with an error.",
                "  Look at its log.",
                "  because: 500: no space",
                "  It waits for a person. When what stopped it is mended, or to leave everything as it is:",
                "    rp9 operations resume op_1 --reason …",
                "    rp9 operations abandon op_1 --reason …",
            ]
        );
    }

    #[test]
    fn only_four_statuses_are_ends() {
        for (status, end) in [
            ("succeeded", Some(End::Succeeded)),
            ("rolled_back", Some(End::RolledBack)),
            ("stuck", Some(End::Stuck)),
            ("abandoned", Some(End::Abandoned)),
            ("queued", None),
            ("running", None),
            ("undoing", None),
            ("something_new", None),
        ] {
            assert_eq!(Operation { status: status.into(), ..stuck() }.end(), end, "{status}");
        }
    }
}
