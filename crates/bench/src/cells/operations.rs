//! The way of an operation through the platform.

use super::{Bench, Used, commands::create};
use crate::{
    load::{self, Ask},
    record, services,
};

impl Bench {
    /// From acceptance to the first step, and through the steps, with a worker woken over the bus.
    pub async fn begin(&mut self, cell: &str, rate: u32, effects: bool) -> anyhow::Result<()> {
        self.prepare(cell).await?;
        let worker = services::worker(&self.config, effects).await?;
        let (caller, window) = (self.caller.clone(), self.config.window);
        let ask = Ask { port: self.config.port, next: move || create(&caller) };
        let (seen, used) = tokio::try_join!(load::open(&ask, rate, window), Used::within(&worker, window))?;
        let unfinished = record::unfinished(&self.record).await?;
        self.figures.note(cell, "unfinished", 100.0 * unfinished);
        self.figures.note(cell, "worker MB", used.memory_mb);
        self.note_latencies(cell, &seen);
        self.figures.note(cell, "busy", used.busy);
        let delays = record::start_delays(&self.record).await?;
        self.note_quantiles(cell, ["start p50", "start p95", "start p99"], delays);
        let times = record::step_times(&self.record, None).await?;
        self.note_quantiles(cell, ["step p50", "step p95", "step p99"], times);
        if effects {
            for step in record::steps(&self.record).await? {
                let times = record::step_times(&self.record, Some(&step)).await?;
                self.note_quantiles(&format!("step {step}"), ["p50", "p95", "p99"], times);
            }
        }
        worker.stop().await
    }
}
