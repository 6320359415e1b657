//! What an engine has.

use crate::spec::Limits;

/// What an engine can give to a single container at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mb: u32,
}

impl Capacity {
    /// Whether one container can have these limits. Engines refuse more cores than there are; more memory than there is they
    /// accept, and the container dies of it.
    pub fn holds(&self, limits: Limits) -> bool {
        limits.cpu_millis <= self.cpu_millis && limits.memory_mb <= self.memory_mb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_held_and_more_of_anything_is_not() {
        let has = Capacity { cpu_millis: 2000, memory_mb: 4096 };
        let cases = [(2000, 4096, true), (2001, 4096, false), (2000, 4097, false), (100, 1, true)];
        for (cpu_millis, memory_mb, held) in cases {
            assert_eq!(
                has.holds(Limits { cpu_millis, memory_mb, pids: 64 }),
                held,
                "{cpu_millis} {memory_mb}"
            );
        }
    }
}
