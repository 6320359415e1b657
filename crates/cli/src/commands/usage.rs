//! `rp9 usage`

use clap::Args;
use serde_json::{Value, json};

use crate::{
    api::{Request, path, with_query},
    exit::Exit,
    failure::Failure,
    output::{Column, Sheet, bytes, made, moment, plain, span, text},
    setting::Setting,
};

/// The kind that counts for limits and bills: what comes from outside, once for each cause.
const BILLABLE: &str = "production";
const KIND_NAMES: [&str; 4] = [BILLABLE, "manual", "error", "sub_workflow"];

pub(in crate::commands) const KINDS: &[Column] = &[
    made("KIND", |row| plain(row.get("kind"))),
    made("COUNTS", |row| if row["kind"] == BILLABLE { "for limits and bills" } else { "no" }.to_owned()),
    text("EXECUTIONS", "/executions"),
    text("SUCCEEDED", "/succeeded"),
    text("FAILED", "/failed"),
    text("CANCELED", "/canceled"),
    text("NOT SAVED", "/discarded"),
    made("RUN", |row| ran(row.get("run_seconds"))),
];

pub(in crate::commands) const PARTS: &[Column] = &[
    moment("FROM", "/from"),
    text("PRODUCTION", "/production/executions"),
    text("FAILED", "/production/failed"),
    text("MANUAL", "/manual/executions"),
    text("ERROR", "/error/executions"),
    text("SUB-WORKFLOW", "/sub_workflow/executions"),
    made("RUN", |part| ran(Some(&run_seconds(part).into()))),
    text("API CALLS", "/api_calls"),
    made("STORAGE", |part| bytes(part.get("storage_bytes_average"))),
];

#[derive(Debug, Args)]
pub struct Usage {
    /// Its id or subdomain
    tenant: String,
    /// A year, a month or a day, such as 2026, 2026-11 or 2026-11-28; the present month when absent
    #[arg(long)]
    period: Option<String>,
    /// What it is cut into; `day` when absent, `hour` for a month at most
    #[arg(long, value_parser = ["hour", "day", "month"])]
    resolution: Option<String>,
    /// Whose calendar it is, such as Europe/Berlin; UTC, by which limits and bills go, when absent
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

impl Usage {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let query = [
            ("period", self.period.clone()),
            ("resolution", self.resolution.clone()),
            ("time_zone", self.time_zone.clone()),
        ];
        let target = with_query(&path(&["tenants", &self.tenant, "usage"]), &query);
        let answer = setting.api()?.send(&Request::get(target)).await?;
        let output = &setting.output;
        let Some(usage) = output.data(&answer.body, "/billable_executions")? else { return Ok(Exit::Done) };
        output.sheet(sheet(&usage))?;
        output.line("")?;
        output.table(KINDS, &kinds(&usage))?;
        let parts = usage["intervals"].as_array().map(Vec::as_slice).unwrap_or_default();
        if parts.is_empty() {
            output.notes.note("Nothing was used in that time.");
        } else {
            output.line("")?;
            output.table(PARTS, parts)?;
        }
        Ok(Exit::Done)
    }
}

fn sheet(usage: &Value) -> Sheet {
    let counts = format!(
        "{} executions ({BILLABLE}); its plan has {} a month",
        plain(usage.get("billable_executions")),
        plain(usage.get("executions_per_month")),
    );
    Sheet::new()
        .moment("from", usage.get("from"))
        .moment("until", usage.get("until"))
        .line("counts", counts)
        .line("api calls", format!("{} that its n8n answered", plain(usage.get("api_calls"))))
        .line("storage", stored(usage))
}

/// Null is what nobody measured, also of those who share an n8n.
fn stored(usage: &Value) -> String {
    match usage.get("storage_bytes_average").filter(|average| !average.is_null()) {
        Some(average) => format!(
            "{} on average over the hours that were measured, {} at most",
            bytes(Some(average)),
            bytes(usage.get("storage_bytes_highest"))
        ),
        None => "not measured".to_owned(),
    }
}

/// Each kind with its name, in the order in which people ask for them.
fn kinds(usage: &Value) -> Vec<Value> {
    let named = |kind| {
        let mut row = json!({ "kind": kind });
        let counts = usage["total"].get(kind).and_then(Value::as_object).cloned().unwrap_or_default();
        row.as_object_mut().into_iter().for_each(|row| row.extend(counts.clone()));
        row
    };
    KIND_NAMES.map(named).into()
}

/// Of all kinds.
fn run_seconds(part: &Value) -> f64 {
    KIND_NAMES.iter().filter_map(|kind| part[kind]["run_seconds"].as_f64()).sum()
}

fn ran(seconds: Option<&Value>) -> String {
    seconds.and_then(Value::as_f64).map_or_else(|| plain(None), span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(executions: u64) -> Value {
        json!({ "executions": executions, "succeeded": executions, "failed": 0, "canceled": 0, "discarded": 0, "run_seconds": 1.5 })
    }

    #[test]
    fn kinds_are_told_in_their_order_and_one_of_them_counts() {
        let usage = json!({ "total": { "manual": counts(4), "production": counts(11), "error": counts(0), "sub_workflow": counts(2) } });
        let rows = kinds(&usage);
        let told: Vec<_> =
            rows.iter().map(|row| (plain(row.get("kind")), plain(row.get("executions")))).collect();
        let expected = [("production", "11"), ("manual", "4"), ("error", "0"), ("sub_workflow", "2")];
        assert_eq!(told, expected.map(|(kind, count)| (kind.to_owned(), count.to_owned())));
        assert_eq!(run_seconds(&usage["total"]), 6.0);
    }

    #[test]
    fn storage_that_nobody_measured_is_no_zero() {
        assert_eq!(
            stored(&json!({ "storage_bytes_average": null, "storage_bytes_highest": null })),
            "not measured"
        );
        let told = stored(
            &json!({ "storage_bytes_average": 1_048_576, "storage_bytes_highest": 3_221_225_472_u64 }),
        );
        assert_eq!(told, "1.0 MB on average over the hours that were measured, 3.00 GB at most");
    }

    #[test]
    fn a_kind_that_this_gateway_does_not_tell_is_no_zero() {
        let rows = kinds(&json!({ "total": { "production": counts(1) } }));
        assert_eq!(
            (plain(rows[3].get("kind")), plain(rows[3].get("executions"))),
            ("sub_workflow".into(), "-".into())
        );
    }
}
