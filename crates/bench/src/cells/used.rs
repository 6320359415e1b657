//! What a process and the machine spend while a cell is looked at.

use std::time::Duration;

use testkit::process::Process;

use crate::{load::WARM_UP, machine::Cpu};

/// What a process and the machine spent.
pub struct Used {
    pub cpu_seconds: f64,
    pub memory_mb: f64,
    pub busy: f64,
}

impl Used {
    /// After the warm-up, for as long as answers count.
    pub async fn within(process: &Process, window: Duration) -> anyhow::Result<Self> {
        tokio::time::sleep(WARM_UP).await;
        let (cpu, machine) = (process.cpu_seconds()?, Cpu::now()?);
        tokio::time::sleep(window).await;
        Ok(Self {
            cpu_seconds: process.cpu_seconds()? - cpu,
            memory_mb: process.memory_mb()?,
            busy: Cpu::now()?.busy_since(machine),
        })
    }
}
