//! Since when something was seen to belong to a tenant that is gone.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::plan::Orphan;

/// Time for whoever makes an object before its row, or reads an old copy of the rows, to be proved wrong.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// What was seen.
#[derive(Debug, Default)]
pub struct Sightings(HashMap<Orphan, Sighting>);

#[derive(Debug, Clone, Copy)]
struct Sighting {
    /// Since when without interruption.
    since: Instant,
    /// When it last could not be removed.
    failed: Option<Instant>,
}

impl Sightings {
    /// Takes what is seen now, and gives what was seen for so long that it may be removed; what is not seen any more is forgotten. What
    /// could not be removed is behind all others, the longest ago first: a few that never can keep nobody waiting.
    pub fn due(&mut self, seen: Vec<Orphan>, now: Instant) -> Vec<Orphan> {
        self.0.retain(|orphan, _| seen.contains(orphan));
        for orphan in &seen {
            self.0.entry(orphan.clone()).or_insert(Sighting { since: now, failed: None });
        }
        let of = |orphan: &Orphan| self.0.get(orphan).copied();
        let old = |orphan: &Orphan| of(orphan).is_some_and(|seen| now.duration_since(seen.since) >= GRACE);
        let mut due: Vec<_> = seen.into_iter().filter(old).collect();
        due.sort_by_key(|orphan| of(orphan).and_then(|seen| seen.failed));
        due
    }

    /// This could not be removed. Says whether that is news.
    pub fn failed(&mut self, orphan: &Orphan, now: Instant) -> bool {
        self.0.get_mut(orphan).is_none_or(|seen| seen.failed.replace(now).is_none())
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
    fn what_cannot_be_removed_goes_behind_the_others_and_is_said_once() {
        let (mut sightings, seen, start) = (Sightings::default(), orphans(3), Instant::now());
        let [a, b, c] = seen.clone().try_into().unwrap();
        sightings.due(seen.clone(), start);
        let now = start + GRACE;
        assert!(sightings.failed(&a, now) && !sightings.failed(&a, now));
        assert_eq!(sightings.due(seen.clone(), now), [b.clone(), c.clone(), a.clone()]);
        assert!(sightings.failed(&b, now + GRACE));
        assert_eq!(sightings.due(seen, now + GRACE), [c, a, b]);
    }

    #[test]
    fn one_that_was_claimed_in_between_begins_anew() {
        let (mut sightings, seen, start) = (Sightings::default(), orphans(1), Instant::now());
        sightings.due(seen.clone(), start);
        sightings.due(vec![], start + GRACE / 2);
        assert_eq!(sightings.due(seen, start + GRACE), []);
    }
}
