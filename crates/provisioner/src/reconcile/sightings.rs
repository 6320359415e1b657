//! Since when something was seen to belong to a tenant that is gone.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::plan::Orphan;

/// Time for whoever makes an object before its row, or reads an old copy of the rows, to be proved wrong.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// What was seen, and since when without interruption.
#[derive(Debug, Default)]
pub struct Sightings(HashMap<Orphan, Instant>);

impl Sightings {
    /// Takes what is seen now, and gives what was seen for so long that it may be removed; what is not seen any more is forgotten.
    pub fn due(&mut self, seen: Vec<Orphan>, now: Instant) -> Vec<Orphan> {
        self.0.retain(|orphan, _| seen.contains(orphan));
        for orphan in &seen {
            self.0.entry(orphan.clone()).or_insert(now);
        }
        let old =
            |orphan: &Orphan| self.0.get(orphan).is_some_and(|since| now.duration_since(*since) >= GRACE);
        seen.into_iter().filter(old).collect()
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
        assert_eq!(sightings.due(seen.clone(), start), []);
        assert_eq!(sightings.due(seen.clone(), start + GRACE), seen);
    }

    #[test]
    fn one_that_was_claimed_in_between_begins_anew() {
        let (mut sightings, seen, start) = (Sightings::default(), orphans(1), Instant::now());
        sightings.due(seen.clone(), start);
        sightings.due(vec![], start + GRACE / 2);
        assert_eq!(sightings.due(seen, start + GRACE), []);
    }
}
