//! The table.

mod operations;
mod requests;
mod ticks;

use std::fmt::Write;

use common::clock;

use crate::{
    cells::{Bench, QUIET},
    figures::{Figures, short},
    loads::CLIENTS,
    machine,
    names::{begin, create, peer_create},
};

/// Writes out everything that was measured.
pub fn write(bench: &Bench) -> anyhow::Result<String> {
    let (figures, mut out) = (&bench.figures, String::new());
    head(bench, &mut out)?;
    requests::write(figures, &mut out)?;
    operations::write(figures, &mut out)?;
    ticks::write(figures, &mut out)?;
    memory(figures, &mut out)?;
    Ok(out)
}

fn head(bench: &Bench, out: &mut String) -> anyhow::Result<()> {
    let (figures, config) = (&bench.figures, &bench.config);
    let fsyncs = figures.all("fsync", "p50").iter().copied();
    let (best, worst) = (fsyncs.clone().fold(f64::MAX, f64::min), fsyncs.fold(0.0, f64::max));
    writeln!(out, "# Latest figures\n")?;
    writeln!(out, "Written by `just bench`; `docs/benchmarks.md` says how to read it.\n")?;
    writeln!(
        out,
        "{}: {}, shared by the load generator, the services and the servers. Making 8 kB durable took {} ms \
         (p95 {} ms; medians of the rounds between {} and {} ms). {} rounds, {} s a cell; medians of the rounds. Times \
         are milliseconds. `~` marks cells before which something else kept more than {:.0} % of the machine busy.\n",
        clock::now().date(),
        machine::description()?,
        figures.text("fsync", "p50"),
        figures.text("fsync", "p95"),
        short(best),
        short(worst),
        config.rounds,
        config.window.as_secs(),
        QUIET * 100.0,
    )?;
    Ok(())
}

fn memory(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    let most = CLIENTS.last().copied().unwrap_or_default();
    let (ours, peer) = (figures.text(&create(most), "MB"), figures.text(&peer_create(most), "MB"));
    let worker = figures.text(&begin(20, true), "worker MB");
    let idle = |service| figures.text(service, "idle MB");
    writeln!(out, "## Memory\n")?;
    writeln!(out, "| MB resident | idle (aim ≤ 25) | loaded |\n|---|---|---|")?;
    writeln!(out, "| gateway | {} | {ours} |", idle("gateway"))?;
    writeln!(out, "| Fastify, all its processes | {} | {peer} |", idle("peer"))?;
    writeln!(
        out,
        "| provisioner | {} | {worker} (its loop on fakes, which are in it) |",
        idle("provisioner")
    )?;
    Ok(())
}

fn busy(figures: &Figures, cell: &str) -> String {
    figures.median(cell, "busy").map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn noisy(figures: &Figures, cell: &str) -> &'static str {
    if figures.median(cell, "background").is_some_and(|share| share > QUIET) { "~ " } else { "" }
}
