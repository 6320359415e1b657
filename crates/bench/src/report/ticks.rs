//! What was measured of the collector.

use std::fmt::Write;

use super::noisy;
use crate::{
    figures::{Figures, short},
    loads::WATCHED,
    names::{SURVIVE, ticks},
};

/// Its table.
pub fn write(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "## Ticks of the collector\n")?;
    writeln!(out, "| tenants | seconds (aim ≤ 0.5, ≤ 4) | the first tick | s of CPU | MB (aim ≤ 150) |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for tenants in WATCHED {
        let cell = ticks(tenants);
        let texts = ["tick", "first", "cpu", "MB"].map(|figure| figures.text(&cell, figure));
        writeln!(out, "| {}{tenants} | {} |", noisy(figures, &cell), texts.join(" | "))?;
    }
    let [few, many] = WATCHED;
    let ratio = figures.ratio(&ticks(many), &ticks(few), "tick");
    let exponent =
        ratio.map_or("–".to_owned(), |ratio| short(ratio.ln() / (f64::from(many) / f64::from(few)).ln()));
    writeln!(out, "\nExponent of the growth (aim ≤ 1.1): {exponent}.")?;
    let texts = ["more parts", "fewer parts", "gap"].map(|figure| figures.text(SURVIVE, figure));
    let [more, fewer, gap] = texts;
    writeln!(
        out,
        "Two replicas had {more} and {fewer} of 64 parts. One was killed: no sample became older than {gap} s (aim ≤ 30).\n"
    )?;
    Ok(())
}
