//! Running a simulation for many seeds, and saying how to see a bad one again.

use std::{fmt, ops::Range};

use crate::effort::is_thorough;

/// How many seeds are tried unless `SIMULATION_SEEDS` says otherwise: in short, and where somebody wants to be sure.
const SEEDS: (u64, u64) = (250, 500);

/// A rule that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, in words.
    pub rule: String,
    /// What happened before, one line each.
    pub trace: Vec<String>,
}

/// As many lines of a trace as fit a screen.
const SHOWN: usize = 60;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace[self.trace.len().saturating_sub(SHOWN)..] {
            writeln!(f, "  {line}")?;
        }
        write!(f, "violated: {}", self.rule)
    }
}

/// Simulates `SIMULATION_SEED` alone, or else `SIMULATION_SEEDS` of them (250, or 500 with `EFFORT=all`), and returns what each gave. Panics at the first
/// violation with the end of its trace and the command that shows it again; `test` is that command's `-p PACKAGE NAME`.
pub fn each<T>(test: &str, simulate: impl Fn(u64) -> Result<T, Violation>) -> Vec<T> {
    let (short, all) = SEEDS;
    let usual = if is_thorough() { all } else { short };
    let seeds = chosen(number("SIMULATION_SEEDS").unwrap_or(usual));
    println!("seeds {seeds:?}");
    let run = |seed| {
        simulate(seed).unwrap_or_else(|violation| {
            panic!("seed {seed}\n{violation}\nagain: SIMULATION_SEED={seed} cargo test {test}")
        })
    };
    seeds.map(run).collect()
}

/// `SIMULATION_SEED` alone, or else this many.
pub fn chosen(count: u64) -> Range<u64> {
    number("SIMULATION_SEED").map_or(0..count, |seed| seed..seed + 1)
}

/// Whether one seed alone is looked at, so that nothing can be said about all of them.
pub fn is_replay() -> bool {
    number("SIMULATION_SEED").is_some()
}

#[expect(clippy::disallowed_methods, reason = "tests are told what to simulate by their environment")]
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not `{value}`")))
}
