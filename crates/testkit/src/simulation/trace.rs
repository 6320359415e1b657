//! What happened, in order.

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// Lines with virtual times. Two runs are the same if their lines are.
pub struct Trace {
    start: Instant,
    lines: Vec<String>,
}

impl Trace {
    pub fn new() -> Self {
        Self { start: Instant::now(), lines: Vec::new() }
    }

    pub fn note(&mut self, line: std::fmt::Arguments<'_>) {
        let at = self.start.elapsed();
        self.lines.push(format!("{:>9.3} {line}", at.as_secs_f64()));
    }

    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for line in &self.lines {
            hash.update(line);
            hash.update("\n");
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}
