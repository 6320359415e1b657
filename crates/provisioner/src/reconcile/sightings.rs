//! Since when something was seen to belong to nobody, and how much of it may be removed at once.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::plan::Orphan;

/// Time for whoever makes an object before its row, or reads an old copy of the rows, to be proved wrong.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// A pass that finds more than this to remove is more likely to be mistaken than right; the rest waits for the next one.
pub(super) const AT_ONCE: usize = 5;

/// What was seen, and since when without interruption.
#[derive(Debug, Default)]
pub struct Sightings(HashMap<Orphan, Instant>);

/// What may be removed now, and how many have to wait.
#[derive(Debug, PartialEq, Eq)]
pub struct Due {
    pub now: Vec<Orphan>,
    pub spared: usize,
}

impl Sightings {
    /// Takes what is seen now; what is not seen any more is forgotten.
    pub fn due(&mut self, seen: Vec<Orphan>, now: Instant) -> Due {
        self.0.retain(|orphan, _| seen.contains(orphan));
        for orphan in &seen {
            self.0.entry(orphan.clone()).or_insert(now);
        }
        let old =
            |orphan: &Orphan| self.0.get(orphan).is_some_and(|since| now.duration_since(*since) >= GRACE);
        let all = seen.len();
        let now: Vec<_> = seen.into_iter().filter(old).take(AT_ONCE).collect();
        Due { spared: all - now.len(), now }
    }
}

#[cfg(test)]
mod tests {
    use common::id::TenantId;

    use super::*;

    fn orphans(count: usize) -> Vec<Orphan> {
        let tenant = TenantId::generate();
        (0..count).map(|n| Orphan::Container { name: format!("c{n}"), tenant }).collect()
    }

    #[test]
    fn an_orphan_is_removed_only_after_its_grace() {
        let (mut sightings, seen, start) = (Sightings::default(), orphans(1), Instant::now());
        assert_eq!(sightings.due(seen.clone(), start), Due { now: vec![], spared: 1 });
        assert_eq!(sightings.due(seen.clone(), start + GRACE), Due { now: seen, spared: 0 });
    }

    #[test]
    fn one_that_was_claimed_in_between_begins_anew() {
        let (mut sightings, seen, start) = (Sightings::default(), orphans(1), Instant::now());
        sightings.due(seen.clone(), start);
        sightings.due(vec![], start + GRACE / 2);
        assert_eq!(sightings.due(seen, start + GRACE).now, []);
    }

    #[test]
    fn no_pass_removes_more_than_its_share() {
        let (mut sightings, seen, start) = (Sightings::default(), orphans(AT_ONCE * 3), Instant::now());
        sightings.due(seen.clone(), start);
        let due = sightings.due(seen, start + GRACE);
        assert_eq!((due.now.len(), due.spared), (AT_ONCE, AT_ONCE * 2));
    }
}
