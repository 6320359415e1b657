//! What somebody who watches has been told of an operation, and what is new.

use super::operation::{Operation, Step};
use crate::output::lasted;

/// Steps come one by one, and their lines are to stand below each other.
const WIDTH: usize = 12;

/// What was told last: of the operation its status, of each step what of it is shown.
#[derive(Debug, Default)]
pub struct Told {
    status: Option<String>,
    steps: Vec<(String, u64, Option<String>)>,
}

impl Told {
    /// What has changed since, a line each.
    pub fn news_of(&mut self, operation: &Operation) -> Vec<String> {
        let mut lines = Vec::new();
        if self.status.as_ref() != Some(&operation.status) {
            // Its end is told by whoever concludes.
            if operation.end().is_none() {
                lines.push(format!("{} {}: {}", operation.kind, operation.id, operation.status));
            }
            self.status = Some(operation.status.clone());
        }
        let width = operation.steps.iter().map(|step| step.name.chars().count()).fold(WIDTH, usize::max);
        for (position, step) in operation.steps.iter().enumerate() {
            let state = (step.status.clone(), step.attempts, failure_of(step).map(str::to_owned));
            match self.steps.get_mut(position) {
                Some(known) if *known == state => continue,
                Some(known) => *known = state,
                None => self.steps.push(state),
            }
            lines.push(line(step, width));
        }
        lines
    }
}

/// A step that went well in the end still carries its last failure: no news then.
fn failure_of(step: &Step) -> Option<&str> {
    let failed = step.error.as_ref().filter(|_| !["succeeded", "undone"].contains(&step.status.as_str()));
    failed.map(|failed| failed.detail.as_str())
}

fn line(step: &Step, width: usize) -> String {
    let Step { name, status, attempts, .. } = step;
    let mut line = format!("  {name:width$}  {}", status.replace('_', " "));
    if status == "succeeded" {
        let took = lasted(step.started_at.as_deref(), step.finished_at.as_deref());
        line.extend(took.map(|took| format!(" in {took}")));
    }
    if *attempts > 1 {
        line.push_str(&format!(", attempt {attempts}"));
    }
    line.extend(failure_of(step).map(|why| format!(": {why}")));
    line
}

#[cfg(test)]
mod tests {
    use super::{super::operation::Failed, *};

    fn step(name: &str, status: &str, attempts: u64) -> Step {
        Step { name: name.into(), status: status.into(), attempts, ..Step::default() }
    }

    fn running(steps: Vec<Step>) -> Operation {
        Operation {
            id: "op_1".into(),
            kind: "tenant.create".into(),
            status: "running".into(),
            steps,
            ..Operation::default()
        }
    }

    #[test]
    fn each_change_is_told_once() {
        let mut told = Told::default();
        let first = running(vec![step("reserve", "running", 1)]);
        assert_eq!(told.news_of(&first), ["tenant.create op_1: running", "  reserve       running"]);
        assert_eq!(told.news_of(&first), [""; 0]);
        let took = Step {
            started_at: Some("2026-08-01T12:00:00Z".into()),
            finished_at: Some("2026-08-01T12:00:01.5Z".into()),
            ..step("reserve", "succeeded", 1)
        };
        let second = running(vec![took, step("containers", "running", 1)]);
        assert_eq!(told.news_of(&second), ["  reserve       succeeded in 1.5 s", "  containers    running"]);
    }

    #[test]
    fn a_failure_is_told_with_its_attempt_until_it_is_over() {
        let mut told = Told::default();
        let error = Some(Failed { detail: "Docker is away.".into(), ..Failed::default() });
        let failing = Step { error: error.clone(), ..step("containers", "failed", 2) };
        assert_eq!(
            told.news_of(&running(vec![failing]))[1],
            "  containers    failed, attempt 2: Docker is away."
        );
        let well = Step { error, ..step("containers", "succeeded", 3) };
        assert_eq!(told.news_of(&running(vec![well])), ["  containers    succeeded, attempt 3"]);
    }
}
