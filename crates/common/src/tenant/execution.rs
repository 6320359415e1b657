//! The words for what n8n runs.

use strum::VariantNames;

use super::status::{UnknownWord, unknown};

/// So long the record keeps what was used in each hour: a year, and the months that lie around it. What was used in each month it keeps for good.
pub const HOURS_KEPT: time::Duration = time::Duration::days(400);

/// Why an execution began. Which of n8n's modes are which is decided where they are counted (`n8n::executions`).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str, parse_err_ty = UnknownWord, parse_err_fn = unknown::<Self>)]
pub enum ExecutionKind {
    /// A call, a schedule, a poller or a chat; or another try of one.
    Production,
    /// Somebody tries a workflow in the editor.
    Manual,
    /// A workflow that is told of another one's failure.
    Error,
    /// A workflow that another one runs as a step of its own.
    SubWorkflow,
}

impl ExecutionKind {
    /// Every word.
    pub const ALL: &'static [&'static str] = Self::VARIANTS;

    /// The word used in the API, the database, metrics and logs.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }

    /// Whether a plan's month has so many of it, and it is billed: what comes from outside, once for each cause, however many workflows
    /// it goes through (ADR 49).
    pub const fn is_billable(self) -> bool {
        matches!(self, Self::Production)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written_and_one_of_them_is_billed() {
        let kinds: Vec<ExecutionKind> = ExecutionKind::ALL.iter().map(|word| word.parse().unwrap()).collect();
        let words: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words, ["production", "manual", "error", "sub_workflow"]);
        let billed: Vec<_> = kinds.into_iter().filter(|kind| kind.is_billable()).collect();
        assert_eq!(billed, [ExecutionKind::Production]);
    }
}
