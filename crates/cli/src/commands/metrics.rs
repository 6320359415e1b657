//! `rp9 metrics`

use clap::Args;
use serde_json::Value;

use crate::{
    api::{Request, path},
    exit::Exit,
    failure::Failure,
    output::{Sheet, at, bytes, figure},
    setting::Setting,
};

/// What is known, where nobody said what is missing: how a tenant that shares an n8n uses its containers, for example.
const NOT_KNOWN: &str = "not known";

#[derive(Debug, Args)]
pub struct Metrics {
    /// Its id or subdomain
    tenant: String,
}

/// A figure: its name, where it is, what it is looked at with, and how it is told.
struct Figure {
    name: &'static str,
    field: &'static str,
    sense: &'static str,
    told: fn(&Value) -> String,
}

const fn seen(
    name: &'static str,
    field: &'static str,
    sense: &'static str,
    told: fn(&Value) -> String,
) -> Figure {
    Figure { name, field, sense, told }
}

const FIGURES: &[Figure] = &[
    seen("queue wait", "queue_wait_p95", "executions", |wait| {
        format!("{} s, 95 in 100 of the last five minutes at most", figure(Some(wait)))
    }),
    seen("queue", "queue_depth", "queue", |depth| format!("{} waiting executions", figure(Some(depth)))),
    seen("executions", "executions_min", "executions", |count| format!("{} a minute", figure(Some(count)))),
    seen("succeeded", "success_rate_percent", "executions", |rate| {
        format!("{} % of the last quarter of an hour", figure(Some(rate)))
    }),
    seen("errors", "error_rate", "executions", |rate| {
        let percent = rate.as_f64().map(|rate| rate * 100.0);
        format!("{} % of the last quarter of an hour", figure(percent.map(Value::from).as_ref()))
    }),
    seen("cpu", "cpu_percent", "containers", |cpu| {
        format!("{} % of what all its containers may use", figure(Some(cpu)))
    }),
    seen("memory", "memory_bytes", "containers", |memory| {
        format!("{}, without page cache", bytes(Some(memory)))
    }),
    seen("memory limit", "memory_percent", "containers", |percent| {
        format!("{} % used, by the container that is nearest to its own", figure(Some(percent)))
    }),
    seen("workers", "workers", "containers", |workers| {
        format!("{} that run and are well", figure(Some(workers)))
    }),
];

impl Metrics {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let answer = setting.api()?.send(&Request::get(path(&["metrics", "tenant", &self.tenant]))).await?;
        let output = &setting.output;
        if output.json {
            output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        if output.quiet {
            output.line(&figure(document.pointer("/data/queue_wait_p95")))?;
        } else {
            output.sheet(sheet(&document))?;
        }
        Ok(Exit::Done)
    }
}

/// Why a figure is not there.
fn missing(document: &Value, sense: &str) -> String {
    let since = |of: &str| document["meta"]["missing"].get(of).and_then(Value::as_str);
    match since("everything").or_else(|| since(sense)) {
        Some("") => "missing: it was never looked at".to_owned(),
        Some(since) => format!("missing since {}", at(Some(&since.into()))),
        None => NOT_KNOWN.to_owned(),
    }
}

/// Nothing that was not seen is told as a number.
fn sheet(document: &Value) -> Sheet {
    let looked = Sheet::new().moment("looked at", document.pointer("/meta/sampled_at"));
    FIGURES.iter().fold(looked, |sheet, Figure { name, field, sense, told }| {
        let value = document["data"].get(*field).filter(|value| !value.is_null());
        let ended = document.pointer("/meta/missing/executions").is_none()
            && document.pointer("/meta/missing/everything").is_none();
        sheet.line(
            name,
            match value {
                Some(value) => told(value),
                None if ended && ["success_rate_percent", "error_rate"].contains(field) => {
                    "none ended in the last quarter of an hour".to_owned()
                }
                None => missing(document, sense),
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(document: &Value, name: &str) -> String {
        let shown = sheet(document).render(false);
        let line = shown.lines().find(|line| line.starts_with(&format!("{name}  "))).unwrap_or_default();
        line.trim_start_matches(name).trim().to_owned()
    }

    #[test]
    fn every_figure_has_its_unit_and_what_is_missing_its_moment() {
        let document = json!({
            "data": { "queue_wait_p95": 6.2, "queue_wait_p95_seconds": 6.2, "cpu_percent": null, "memory_bytes": null, "memory_percent": null,
                      "executions_min": 12.0, "success_rate_percent": 75.0, "error_rate": 0.25, "workers": null, "queue_depth": 0 },
            "meta": { "sampled_at": "2026-11-28T08:00:00Z", "missing": { "containers": "2026-11-28T00:00:00Z" } },
        });
        for (name, told) in [
            ("looked at", "2026-11-28 08:00:00Z"),
            ("queue wait", "6.20 s, 95 in 100 of the last five minutes at most"),
            ("queue", "0 waiting executions"),
            ("executions", "12 a minute"),
            ("errors", "25 % of the last quarter of an hour"),
            ("cpu", "missing since 2026-11-28 00:00:00Z"),
            ("memory", "missing since 2026-11-28 00:00:00Z"),
            ("workers", "missing since 2026-11-28 00:00:00Z"),
        ] {
            assert_eq!(line(&document, name), told);
        }
    }

    #[test]
    fn nothing_is_zero_that_nobody_saw() {
        let never = json!({ "data": { "cpu_percent": null }, "meta": { "sampled_at": null, "missing": { "everything": "" } } });
        let shown = sheet(&never).render(false);
        assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
        assert_eq!(line(&never, "succeeded"), "missing: it was never looked at");
        let idle = json!({ "data": { "executions_min": 0.0, "success_rate_percent": null }, "meta": { "missing": {} } });
        assert_eq!(line(&idle, "succeeded"), "none ended in the last quarter of an hour");
        assert_eq!(line(&idle, "cpu"), "not known");
    }
}
