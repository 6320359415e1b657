//! `rp9 top`

mod board;
mod live;
mod screen;

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{
    api::{Api, Request, with_query},
    commands::listing,
    exit::Exit,
    failure::Failure,
    output::{Column, figure, id, made, plain, printable, text},
    setting::Setting,
};

/// Tenants are looked at four times a minute; whoever asks more often than every second sees the same again.
const SHORTEST: Duration = Duration::from_secs(1);
/// A name that is longer takes the room of figures.
const NAME_WIDTH: usize = 28;

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("TENANT", "/subdomain"),
    made("QUEUE WAIT S", |row| figure(row.get("queue_wait_p95_seconds"))),
    text("QUEUE", "/queue_depth"),
    made("CPU %", |row| figure(row.get("cpu_percent"))),
    made("MEMORY %", |row| figure(row.get("memory_percent"))),
    made("EXECUTIONS/MIN", |row| figure(row.get("executions_min"))),
    made("ERRORS %", errors),
    text("WORKERS", "/workers").wide(),
    text("PLAN", "/plan").wide(),
    made("NAME", name).wide(),
];

/// Of a hundred executions of the last quarter of an hour; none ended where there is no number.
fn errors(row: &Value) -> String {
    let succeeded = row["success_rate_percent"].as_f64();
    figure(succeeded.map(|rate| Value::from(100.0 - rate)).as_ref())
}

fn name(row: &Value) -> String {
    let name = printable(&plain(row.get("name")));
    if name.chars().count() <= NAME_WIDTH {
        return name;
    }
    name.chars().take(NAME_WIDTH - 1).chain(['…']).collect()
}

/// What they are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// How long executions wait before they begin
    QueueWait,
    /// Processor time, of what a tenant's containers may use
    Cpu,
    /// Memory, of the limit of the container that is nearest to its own
    Memory,
    /// Executions that began in the last minute
    Executions,
    /// Executions that failed, of those of the last quarter of an hour
    Errors,
    /// Executions that wait
    Queue,
}

impl Sort {
    /// As the API calls it.
    const fn by(self) -> &'static str {
        match self {
            Self::QueueWait => "queue_wait",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Executions => "executions",
            Self::Errors => "errors",
            Self::Queue => "queue",
        }
    }

    /// As it is said to people.
    const fn told(self) -> &'static str {
        match self {
            Self::QueueWait => "queue wait",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Executions => "executions a minute",
            Self::Errors => "errors",
            Self::Queue => "waiting executions",
        }
    }
}

/// Drawn again and again on a terminal, until `q` or Ctrl-C; once where there is none, and with --json or --quiet.
#[derive(Debug, Args)]
pub struct Top {
    /// Who comes first
    #[arg(long, value_enum, value_name = "WHAT", default_value = "queue-wait")]
    sort: Sort,
    /// How many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Print one table and end, also on a terminal
    #[arg(long)]
    once: bool,
    /// How long between two looks, such as 5s or 1m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = interval)]
    interval: Duration,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|why| format!("{why}, such as 5s or 1m"))?;
    if interval >= SHORTEST { Ok(interval) } else { Err("must be a second or more".to_owned()) }
}

impl Top {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let (api, output) = (setting.api()?, &setting.output);
        // With all patience, and an end if there is no answer: nothing can be shown yet.
        let first = api.send(&self.request()).await?.body;
        if output.json {
            output.document(&first)?;
            return Ok(Exit::Done);
        }
        let rows = rows(&first)?;
        if self.once || output.quiet || !output.is_screen {
            listing::show(output, COLUMNS, "/tenant_id", "tenants that were looked at lately", &rows)?;
            return Ok(Exit::Done);
        }
        live::show(self, &api, output, rows).await
    }

    fn request(&self) -> Request {
        let query = [("by", Some(self.sort.by().to_owned())), ("limit", Some(self.limit.to_string()))];
        Request::get(with_query("/metrics/tenants", &query))
    }

    /// Looks once, and says why there is nothing new. The second is how long the API asks to be left alone.
    async fn look(&self, api: &Api) -> Result<Vec<Value>, (String, Option<Duration>)> {
        let answer = api.attempt(&self.request()).await;
        let answer = answer.map_err(|trouble| (trouble.line(), trouble.retry_after()))?;
        rows(&answer.body).map_err(|failure| (failure.lines().join(" "), None))
    }
}

fn rows(body: &[u8]) -> Result<Vec<Value>, Failure> {
    let mut document: Value = serde_json::from_slice(body)?;
    let rows = document.get_mut("data").and_then(Value::as_array_mut).map(std::mem::take);
    rows.ok_or_else(|| Failure::Garbled("there are no tenants in it".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DESCRIPTION: &str = include_str!("../../../../deploy/netlify/openapi.json");

    #[test]
    fn everything_that_the_api_sorts_by_can_be_asked_for_and_nothing_else() {
        let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let parameters = &description["paths"]["/metrics/tenants"]["get"]["parameters"];
        let by = parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == "by").unwrap();
        let asked: Vec<_> = Sort::value_variants().iter().map(|sort| sort.by()).collect();
        assert_eq!(by["schema"]["enum"], json!(asked));
    }

    #[test]
    fn an_interval_is_a_second_or_more() {
        assert_eq!(interval("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(interval("1m 30s"), Ok(Duration::from_secs(90)));
        for wrong in ["0s", "999ms", "five", "", "-1s", "5"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_not_seen_is_no_zero_and_errors_are_what_did_not_succeed() {
        assert_eq!(errors(&json!({ "success_rate_percent": 75.0 })), "25");
        assert_eq!(errors(&json!({ "success_rate_percent": null })), "-");
        assert_eq!(errors(&json!({ "success_rate_percent": 100.0 })), "0");
    }

    #[test]
    fn a_name_is_as_long_as_there_is_room_and_does_nothing_to_the_terminal() {
        assert_eq!(name(&json!({ "name": "Acme" })), "Acme");
        assert_eq!(name(&json!({ "name": "a\u{1b}]0;b\u{7}" })), "a ]0;b ");
        assert_eq!(name(&json!({ "name": "ä".repeat(100) })).chars().count(), NAME_WIDTH);
    }
}
