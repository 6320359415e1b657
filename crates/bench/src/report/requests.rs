//! What was measured of requests, beside what the peers did with the same.

use std::fmt::Write;

use super::{busy, noisy};
use crate::{
    figures::{Figures, short},
    loads::{CLIENTS, FEW, MIXED_PER_SECOND},
    names::{
        FOLLOW, HELD, MIX, PEER_MIX, PEER_REFUSE, PEER_SHOW_OWN, REFUSE, REPEAT, SHOW_OWN, create,
        create_in_sql, peer_create, show,
    },
};

/// Their tables.
pub fn write(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "## Requests\n")?;
    writeln!(out, "| | per second | p50 | p95 | p99 | µs CPU of the service | machine busy |")?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    refused(figures, out)?;
    created(figures, out)?;
    repeated(figures, out)?;
    shown(figures, out)?;
    writeln!(
        out,
        "\nOf the refusals the gateway noted {} a second in its audit log meanwhile. A repetition wrote {} bytes of \
         Postgres' log, and no row.\n",
        figures.text(REFUSE, "noted per second"),
        figures.text(REPEAT, "log bytes"),
    )?;
    mixed(figures, out)?;
    followed(figures, out)?;
    held(figures, out)
}

fn refused(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    row(figures, REFUSE, out)?;
    row(figures, PEER_REFUSE, out)?;
    let [rate, cpu] = ["per second", "cpu"].map(|figure| ratio(figures, REFUSE, PEER_REFUSE, figure));
    Ok(writeln!(out, "| ratio (aim ≥ 2; CPU ≤ 0.5) | **{rate}** | | | | **{cpu}** | |")?)
}

fn created(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    for clients in CLIENTS {
        let (ours, peer, sql) = (create(clients), peer_create(clients), create_in_sql(clients));
        row(figures, &ours, out)?;
        row(figures, &peer, out)?;
        let [rate, cpu] = ["per second", "cpu"].map(|figure| ratio(figures, &ours, &peer, figure));
        writeln!(out, "| ratio (aim ≥ 3) | **{rate}** | | | | {cpu} | |")?;
        let [rate, mean] = ["per second", "mean"].map(|figure| figures.text(&sql, figure));
        let (noisy, busy) = (noisy(figures, &sql), busy(figures, &sql));
        writeln!(out, "| {noisy}{sql} | {rate} | mean {mean} | | | | {busy} |")?;
        let rate = ratio(figures, &ours, &sql, "per second");
        writeln!(out, "| ratio (aim ≥ 0.7) | **{rate}** | | | | | |")?;
    }
    Ok(())
}

fn repeated(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    row(figures, REPEAT, out)?;
    let first = create(FEW);
    let [p50, p95, p99] = ["p50", "p95", "p99"].map(|figure| ratio(figures, REPEAT, &first, figure));
    Ok(writeln!(out, "| beside the first time (aim ≤ 0.5) | | **{p50}** | {p95} | {p99} | | |")?)
}

fn shown(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    row(figures, SHOW_OWN, out)?;
    row(figures, PEER_SHOW_OWN, out)?;
    let [rate, cpu] = ["per second", "cpu"].map(|figure| ratio(figures, SHOW_OWN, PEER_SHOW_OWN, figure));
    writeln!(out, "| ratio (aim ≥ 1.5) | **{rate}** | | | | {cpu} | |")?;
    row(figures, &show(FEW), out)?;
    let rate = ratio(figures, SHOW_OWN, &show(FEW), "per second");
    writeln!(out, "| its owner beside somebody who sees all (aim ≥ 0.75) | **{rate}** | | | | | |")?;
    CLIENTS.into_iter().skip(1).try_for_each(|clients| row(figures, &show(clients), out))
}

fn mixed(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(out, "{MIXED_PER_SECOND} a second at fixed moments, four reads to one new tenant:\n")?;
    writeln!(out, "| | p50 | p95 (aim ≤ 15) | p99 (aim ≤ 40) | µs CPU of the service | machine busy |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for cell in [MIX, PEER_MIX] {
        let texts = ["p50", "p95", "p99", "cpu"].map(|figure| figures.text(cell, figure)).join(" | ");
        writeln!(out, "| {}{cell} | {texts} | {} |", noisy(figures, cell), busy(figures, cell))?;
    }
    Ok(writeln!(out)?)
}

fn followed(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(
        out,
        "10,000 clients that follow a tenant to which nothing happens, and 1,000 that follow everything:\n"
    )?;
    writeln!(
        out,
        "| kB of a quiet one (aim ≤ 10) | kB of each | event to the last of 1,000, p50 | p95 (aim ≤ 250) | p99 |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    let columns = ["kB of an idle one", "kB of each", "p50", "p95", "p99"];
    let texts = columns.map(|figure| figures.text(FOLLOW, figure)).join(" | ");
    Ok(writeln!(out, "| {}{texts} |\n", noisy(figures, FOLLOW))?)
}

fn held(figures: &Figures, out: &mut String) -> anyhow::Result<()> {
    writeln!(
        out,
        "500 calls a second to 100 tenants whose calls are held, each told when it is in the record:\n"
    )?;
    writeln!(
        out,
        "| p50 | p95 (aim ≤ 25) | p99 | µs CPU of the gateway | machine busy |\n|---|---|---|---|---|"
    )?;
    let texts = ["p50", "p95", "p99", "cpu"].map(|figure| figures.text(HELD, figure)).join(" | ");
    Ok(writeln!(out, "| {}{texts} | {} |\n", noisy(figures, HELD), busy(figures, HELD))?)
}

fn row(figures: &Figures, cell: &str, out: &mut String) -> anyhow::Result<()> {
    let texts =
        ["per second", "p50", "p95", "p99", "cpu"].map(|figure| figures.text(cell, figure)).join(" | ");
    Ok(writeln!(out, "| {}{cell} | {texts} | {} |", noisy(figures, cell), busy(figures, cell))?)
}

fn ratio(figures: &Figures, cell: &str, peer: &str, figure: &'static str) -> String {
    figures.ratio(cell, peer, figure).map_or("–".to_owned(), short)
}
