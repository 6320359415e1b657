//! The machine that figures were taken on, and how quiet it was.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use hdrhistogram::Histogram;

/// What Postgres writes at a time.
const BLOCK: [u8; 8192] = [0x5a; 8192];
const FLUSHES: usize = 300;

/// How long the disk takes to make 8 kB durable.
pub fn fsync(directory: &Path) -> anyhow::Result<Histogram<u64>> {
    let path = directory.join("fsync");
    let file = File::create(&path)?;
    let mut seen = Histogram::new(3)?;
    for number in 0..FLUSHES {
        let begun = Instant::now();
        // The same blocks again and again, as a log file that is reused.
        file.write_all_at(&BLOCK, (number % 16 * BLOCK.len()) as u64)?;
        file.sync_data()?;
        if number >= 16 {
            seen.record(begun.elapsed().as_micros() as u64)?;
        }
    }
    std::fs::remove_file(path)?;
    Ok(seen)
}

/// Cores and memory.
pub fn description() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes: u64 = total.and_then(|t| t.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    Ok(format!("{cores} cores, {} GB of memory", kilobytes / (1 << 20)))
}

/// Processor time of the whole machine: used, and there.
#[derive(Clone, Copy)]
pub struct Cpu {
    used: u64,
    all: u64,
}

impl Cpu {
    /// Since the machine was started.
    pub fn now() -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().context("an empty /proc/stat")?;
        let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; what follows is counted in the first two already.
        let all = fields.iter().take(8).sum::<u64>();
        let idle = fields.iter().skip(3).take(2).sum::<u64>();
        Ok(Self { used: all - idle, all })
    }

    /// The share in use since then.
    pub fn busy_since(self, before: Self) -> f64 {
        (self.used - before.used) as f64 / (self.all - before.all).max(1) as f64
    }
}

/// How busy the machine is while nothing is measured.
pub async fn background() -> anyhow::Result<f64> {
    let before = Cpu::now()?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(Cpu::now()?.busy_since(before))
}
