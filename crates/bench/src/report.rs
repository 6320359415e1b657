//! The table.

use std::fmt::Write;

use common::clock;

use crate::{
    cells::{Bench, QUIET},
    figures::{Figures, short},
    machine,
    run::{BEGINNINGS, CLIENTS},
};

/// The cells' names.
pub fn create(clients: usize) -> String {
    format!("`POST /tenants`, {clients} connections")
}

pub fn create_in_sql(clients: usize) -> String {
    format!("pgbench, the same rows, {clients} clients")
}

pub fn show(clients: usize) -> String {
    format!("`GET /tenants/{{id}}`, {clients} connections")
}

pub fn begin(rate: u32, effects: bool) -> String {
    format!("{rate}/s, {}", if effects { "the real sagas on fakes" } else { "nine steps without effects" })
}

/// Writes out everything that was measured.
pub fn write(bench: &Bench) -> anyhow::Result<String> {
    let (figures, mut out) = (&bench.figures, String::new());
    head(bench, &mut out)?;
    served(figures, &mut out)?;
    operations(figures, &mut out)?;
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

fn served(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "## Requests\n")?;
    writeln!(out, "| | per second | p50 | p95 | p99 | µs CPU of the service | machine busy |")?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for clients in CLIENTS {
        let (ours, peer) = (create(clients), create_in_sql(clients));
        served_row(figures, &ours, out)?;
        let mean = format!("mean {}", figures.text(&peer, "mean"));
        let per_second = figures.text(&peer, "per second");
        writeln!(
            out,
            "| {}{peer} | {per_second} | {mean} | | | | {} |",
            noisy(figures, &peer),
            busy(figures, &peer)
        )?;
        let ratio = figures.ratio(&ours, &peer, "per second").map_or("–".to_owned(), short);
        writeln!(out, "| ratio (aim ≥ 0.7) | **{ratio}** | | | | | |")?;
    }
    for clients in CLIENTS {
        served_row(figures, &show(clients), out)?;
    }
    Ok(writeln!(out)?)
}

fn served_row(figures: &Figures, cell: &str, out: &mut String) -> anyhow::Result<()> {
    let texts = ["per second", "p50", "p95", "p99", "cpu"].map(|figure| figures.text(cell, figure));
    writeln!(out, "| {}{cell} | {} | {} |", noisy(figures, cell), texts.join(" | "), busy(figures, cell))?;
    Ok(())
}

fn operations(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
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

fn memory(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    let loaded = CLIENTS.last().map(|clients| figures.text(&create(*clients), "MB")).unwrap_or_default();
    let worker = figures.text(&begin(20, true), "worker MB");
    writeln!(out, "## Memory\n")?;
    writeln!(out, "| MB resident | idle (aim ≤ 25) | loaded |\n|---|---|---|")?;
    writeln!(out, "| gateway | {} | {loaded} |", figures.text("gateway", "idle MB"))?;
    let idle = figures.text("provisioner", "idle MB");
    writeln!(out, "| provisioner | {idle} | {worker} (its loop on fakes, which are in it) |")?;
    Ok(())
}

fn busy(figures: &Figures, cell: &str) -> String {
    figures.median(cell, "busy").map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn noisy(figures: &Figures, cell: &str) -> &'static str {
    if figures.median(cell, "background").is_some_and(|share| share > QUIET) { "~ " } else { "" }
}
