//! The table.

use std::fmt;

use hdrhistogram::Histogram;

use crate::attacks::{Attack, Told};

/// What one phase showed.
pub struct Phase {
    pub attack: Attack,
    pub told: Told,
    /// Microseconds that the others waited.
    pub waited: Histogram<u64>,
    /// Megabytes at most.
    pub memory: f64,
}

/// Everything that was seen.
pub struct Report {
    pub phases: Vec<Phase>,
}

impl Report {
    /// All phases without an attack, taken together: what is compared with.
    fn idle(&self) -> Option<Histogram<u64>> {
        let idle = self.phases.iter().filter(|phase| phase.attack == Attack::Nobody);
        idle.map(|phase| phase.waited.clone()).reduce(|mut all, waited| {
            all += waited;
            all
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(idle) = self.idle() else { return Ok(()) };
        let memory = self.phases.first().map_or(0.0, |phase| phase.memory);
        writeln!(f, "| in the way | were told | others: p50 | p95 | p99 | p95 to idle | memory | to idle |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        writeln!(
            f,
            "{}",
            Row { name: "nobody, all phases", told: "", waited: &idle, idle: &idle, memory, before: memory }
        )?;
        for phase in self.phases.iter().filter(|phase| phase.attack != Attack::Nobody) {
            let told: Vec<_> = phase.told.iter().map(|(said, count)| format!("{said} × {count}")).collect();
            let (name, told) = (phase.attack.name(), told.join(", "));
            let row = Row {
                name,
                told: &told,
                waited: &phase.waited,
                idle: &idle,
                memory: phase.memory,
                before: memory,
            };
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

struct Row<'a> {
    name: &'a str,
    told: &'a str,
    waited: &'a Histogram<u64>,
    idle: &'a Histogram<u64>,
    memory: f64,
    before: f64,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Microseconds of a few seconds at most: far below 2^53.
        let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        let Self { name, told, waited, idle, memory, before } = self;
        let (p50, p95, p99) = (ms(waited, 0.5), ms(waited, 0.95), ms(waited, 0.99));
        let (slower, larger) = (p95 / ms(idle, 0.95), memory / before);
        write!(
            f,
            "| {name} | {told} | {p50:.2} ms | {p95:.2} ms | {p99:.2} ms | {slower:.2} | {memory:.0} MB | {larger:.2} |"
        )
    }
}
