//! The cells of the table: each is looked at on its own, on an empty record, after the machine has become quiet.

mod commands;
mod events;
mod held;
mod operations;
mod reads;
mod ticks;
mod used;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{
    bus::{Bus, BusConfig},
    config::Env,
};
use sqlx::PgPool;
use testkit::portal::Caller;

use crate::{
    config::Config,
    figures::Figures,
    load::{Asked, Latencies},
    machine,
    record::{self, Quantiles},
};
use used::Used;

/// More than this at work beside us, and a figure says as much about the neighbours.
pub const QUIET: f64 = 0.12;
/// How often a cell waits for quiet before it is taken anyway; the report tells how quiet it was.
const PATIENCE: usize = 40;

/// What every cell needs.
pub struct Bench {
    pub config: Config,
    pub record: PgPool,
    pub figures: Figures,
    bus: Bus,
    caller: Caller,
}

impl Bench {
    /// Connected to everything.
    pub async fn new(config: Config, record: PgPool) -> anyhow::Result<Self> {
        let bus = Env::of([("NATS_URL", config.nats_url.as_str())]).load::<BusConfig>()?;
        let bus = Bus::connect(&bus, "bench").await?;
        Ok(Self { config, record, figures: Figures::default(), bus, caller: Caller::new()? })
    }

    /// Nothing is stored, queued, or at work.
    async fn prepare(&mut self, cell: &str) -> anyhow::Result<()> {
        record::empty(&self.record).await?;
        // Without its stream a wake-up would cost less than it does.
        self.bus.ensure_stream(&wire::COMMANDS).await?.purge().await?;
        let mut background = machine::background().await?;
        for _ in 0..PATIENCE {
            if background <= QUIET {
                break;
            }
            background = machine::background().await?;
        }
        self.figures.note(cell, "background", background);
        eprintln!("{cell} (background {:.0} %)", background * 100.0);
        Ok(())
    }

    fn note_served(&mut self, cell: &str, seen: &Latencies, used: &Used) {
        let requests = seen.len() as f64;
        self.note_latencies(cell, seen);
        self.figures.note(cell, "per second", requests / self.config.window.as_secs_f64());
        self.figures.note(cell, "cpu", used.cpu_seconds * 1e6 / requests);
        self.figures.note(cell, "busy", used.busy);
        self.figures.note(cell, "MB", used.memory_mb);
    }

    fn note_latencies(&mut self, cell: &str, seen: &Latencies) {
        let at = |quantile| seen.value_at_quantile(quantile) as f64 / 1000.0;
        let quantiles = Quantiles { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
        self.note_quantiles(cell, ["p50", "p95", "p99"], quantiles);
    }

    fn note_quantiles(&mut self, cell: &str, [p50, p95, p99]: [&'static str; 3], quantiles: Quantiles) {
        self.figures.note(cell, p50, quantiles.p50);
        self.figures.note(cell, p95, quantiles.p95);
        self.figures.note(cell, p99, quantiles.p99);
    }
}

/// Asks for all of them in an order that no cache foresees.
fn in_turns<T: Send + Sync>(
    all: Vec<T>,
    ask: impl Fn(&T) -> Asked + Send + Sync,
) -> impl Fn() -> Asked + Clone + Send + Sync {
    let shared = Arc::new((AtomicUsize::new(0), all, ask));
    move || {
        let (next, all, ask) = &*shared;
        // A prime, so that each has its turn.
        let number = next.fetch_add(7919, Ordering::Relaxed) % all.len().max(1);
        ask(all.get(number).ok_or_else(|| anyhow::anyhow!("there is nothing to ask for"))?)
    }
}
