//! The table.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use common::clock;

use crate::{
    config::Config,
    faults::Broken,
    ledger::{Said, Told},
};

/// How many of each problem are told with their ids.
const SHOWN: usize = 20;

/// What was counted and measured.
pub struct Figures {
    pub told: Told,
    /// Median, 95th percentile and longest.
    pub answered_ms: [f64; 3],
    pub broken: Broken,
    /// Answers to commits that were not delivered: to gateways, to workers.
    pub commit_cuts: Vec<u64>,
    pub takeovers_ms: Vec<f64>,
    pub effects: usize,
    pub refused: usize,
    pub took: Duration,
}

type Problems = [(&'static str, Vec<String>)];

/// Whether there are no problems at all.
pub fn sound(problems: &Problems) -> bool {
    problems.iter().all(|(_, ids)| ids.is_empty())
}

/// Everything in one table, and the ids of whatever went wrong.
pub fn write(config: &Config, figures: &Figures, problems: &Problems) -> anyhow::Result<String> {
    let mut out = String::new();
    writeln!(
        out,
        "{}: seed {}, {:.0} s at {} operations/s, leases of {} ms\n",
        clock::now().date(),
        config.seed,
        figures.took.as_secs_f64(),
        config.rate,
        config.lease.as_millis(),
    )?;
    writeln!(out, "| | |\n|---|---|")?;
    for (name, value) in rows(figures) {
        writeln!(out, "| {name} | {value} |")?;
    }
    for (name, ids) in problems {
        writeln!(out, "| **{name}** | **{}** |", ids.len())?;
    }
    for (name, ids) in problems.iter().filter(|(_, ids)| !ids.is_empty()) {
        writeln!(out, "\n{name} (seed {}):", config.seed)?;
        for id in ids.iter().take(SHOWN) {
            writeln!(out, "- {id}")?;
        }
    }
    Ok(out)
}

fn rows(figures: &Figures) -> Vec<(&'static str, String)> {
    let (told, broken) = (&figures.told, &figures.broken);
    let back: Vec<f64> = broken.back.iter().map(|back| back.as_secs_f64() * 1000.0).collect();
    let cuts: Vec<String> = figures.commit_cuts.iter().map(u64::to_string).collect();
    vec![
        ("operations accepted", accepted(told)),
        ("cancellations accepted", told.cancelled.len().to_string()),
        ("told that it is so, being done, impossible", unaccepted(told)),
        (
            "requests sent to both gateways at once: under one key, under two",
            format!("{}, {}", told.twins, told.rivals),
        ),
        (
            "requests sent again; of these signed anew",
            format!("{}; {}", told.retries, told.signed_anew.len()),
        ),
        ("answered, from the moment it was due: p50, p95, max", seconds(figures.answered_ms)),
        ("processes killed", broken.kills.to_string()),
        ("workers paused past their lease", broken.pauses.to_string()),
        ("NATS wiped", broken.wipes.to_string()),
        ("first message after NATS is back: p50, p95, max", seconds(quantiles(back))),
        ("connections to Postgres cut", broken.cuts.to_string()),
        ("cut between commit and answer: gateways + workers", cuts.join(" + ")),
        ("Postgres killed", broken.postgres_kills.to_string()),
        ("operations taken over", figures.takeovers_ms.len().to_string()),
        ("taken over after: p50, p95, max", seconds(quantiles(figures.takeovers_ms.clone()))),
        ("effects on the world", figures.effects.to_string()),
        ("effects with an old fence that the world refused", figures.refused.to_string()),
    ]
}

/// How many, and of which kinds.
fn accepted(told: &Told) -> String {
    let mut kinds = BTreeMap::<_, usize>::new();
    for kind in told.accepted.iter().filter_map(|accepted| accepted.asked.kind()) {
        *kinds.entry(kind.name.trim_start_matches("tenant.")).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    format!("{} ({})", told.accepted.len(), kinds.join(", "))
}

fn unaccepted(told: &Told) -> String {
    let count = |wanted: fn(Said) -> bool| told.unaccepted.iter().filter(|told| wanted(told.said)).count();
    let [so, joined] = [count(|said| said == Said::So), count(|said| matches!(said, Said::Joined(_)))];
    format!("{so}, {joined}, {}", told.unaccepted.len() - so - joined)
}

fn seconds(milliseconds: [f64; 3]) -> String {
    let texts = milliseconds.map(|value| format!("{:.2}", value / 1000.0));
    format!("{} s", texts.join(", "))
}

/// Median, 95th percentile and the largest; zeros where there is nothing.
fn quantiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    [0.5, 0.95, 1.0].map(|part| values.get((last as f64 * part).round() as usize).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        assert_eq!(quantiles(vec![]), [0.0; 3]);
        assert_eq!(quantiles(vec![2.0, 1.0, 3.0]), [2.0, 3.0, 3.0]);
    }
}
