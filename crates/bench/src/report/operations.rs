//! What was measured of operations.

use std::fmt::Write;

use super::{busy, noisy};
use crate::{figures::Figures, loads::BEGINNINGS, names::begin};

/// Their table, and the one of the real steps.
pub fn write(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "## Operations\n")?;
    writeln!(
        out,
        "| accepted | answered p95 | first step p50 | p95 (aim ≤ 25) | p99 | a step p50 | p95 (aim ≤ 10) | p99 | % unfinished after 30 s | machine busy |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|")?;
    let columns =
        ["p95", "start p50", "start p95", "start p99", "step p50", "step p95", "step p99", "unfinished"];
    for (rate, effects) in BEGINNINGS {
        let cell = begin(rate, effects);
        let texts = columns.map(|figure| figures.text(&cell, figure));
        writeln!(
            out,
            "| {}{cell} | {} | {} |",
            noisy(figures, &cell),
            texts.join(" | "),
            busy(figures, &cell)
        )?;
    }
    writeln!(out, "\nThe real steps on fakes, from the row that begins one to the row that ends it:\n")?;
    writeln!(out, "| step | p50 | p95 |\n|---|---|---|")?;
    for cell in figures.cells().filter(|cell| cell.starts_with("step ")) {
        let texts = ["p50", "p95"].map(|figure| figures.text(cell, figure));
        writeln!(out, "| {} | {} |", cell.trim_start_matches("step "), texts.join(" | "))?;
    }
    Ok(writeln!(out)?)
}
