//! `rp9 audit verify`: what the schedule `audit.verify` found the last time. The API cannot be told to look now.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    api::{Api, PageLimit},
    exit::Exit,
    failure::Failure,
    output::{at, plain},
    setting::Setting,
};

const SCHEDULE: &str = "audit.verify";

#[derive(Debug, Args)]
pub struct Verify {}

impl Verify {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let schedule = find(&setting.api()?).await?;
        let verdict = Verdict::of(&schedule);
        let output = &setting.output;
        if output.json {
            output.document(json!({ "data": schedule }).to_string().as_bytes())?;
        } else {
            output.line(&verdict.told)?;
        }
        Ok(if verdict.whole { Exit::Done } else { Exit::Unwell })
    }
}

async fn find(api: &Api) -> Result<Value, Failure> {
    let page = api.list("/schedules", &[], PageLimit::All).await?;
    let schedules = page.data.iter().map(|entry| serde_json::from_str::<Value>(entry.get()));
    let schedules = schedules.collect::<Result<Vec<_>, _>>()?;
    let found = schedules.into_iter().find(|schedule| schedule["name"] == SCHEDULE);
    found.ok_or_else(|| Failure::Garbled(format!("there is no schedule `{SCHEDULE}`")))
}

/// What the last firing says about the log.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    whole: bool,
    told: String,
}

impl Verdict {
    fn of(schedule: &Value) -> Self {
        let next = format!("the next look is at {}", at(schedule.get("next_due_at")));
        let paused = schedule.get("paused").filter(|paused| !paused.is_null());
        let next =
            paused.map_or(next, |_| format!("`rp9 schedules resume {SCHEDULE}`: it is paused, nobody looks"));
        let firing = &schedule["last_firing"];
        let due = at(firing.get("due_at"));
        match firing["state"].as_str() {
            Some("done") => Self { whole: true, told: format!("The log was whole at {due}; {next}.") },
            Some("failed") => {
                let detail = plain(firing.pointer("/error/detail"));
                Self { whole: false, told: format!("{detail} (found at {due}; {next})") }
            }
            Some(_) => Self {
                whole: false,
                told: format!("The look that was due at {due} is not over yet; {next}."),
            },
            None => Self { whole: false, told: format!("Nobody has looked yet; {next}.") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(firing: Value, paused: Value) -> Verdict {
        Verdict::of(
            &json!({ "name": SCHEDULE, "next_due_at": "2026-08-02T03:30:00Z", "paused": paused, "last_firing": firing }),
        )
    }

    #[test]
    fn only_a_look_that_found_nothing_says_that_the_log_is_whole() {
        let due = "2026-08-01T03:30:00Z";
        let done = verdict(json!({ "state": "done", "due_at": due }), Value::Null);
        assert!(done.whole);
        assert_eq!(
            done.told,
            "The log was whole at 2026-08-01 03:30:00Z; the next look is at 2026-08-02 03:30:00Z."
        );
        let error = json!({ "detail": "The audit log was tampered with: row 3 was altered." });
        let failed = verdict(json!({ "state": "failed", "due_at": due, "error": error }), Value::Null);
        assert!(
            !failed.whole && failed.told.starts_with("The audit log was tampered with: row 3"),
            "{failed:?}"
        );
        assert!(!verdict(json!({ "state": "running", "due_at": due }), Value::Null).whole);
        assert!(!verdict(Value::Null, Value::Null).whole);
    }

    #[test]
    fn a_paused_look_is_told() {
        let paused = verdict(Value::Null, json!({ "by": "ada" }));
        assert!(paused.told.contains("it is paused"), "{paused:?}");
    }
}
