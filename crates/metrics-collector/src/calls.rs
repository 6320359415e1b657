//! From what the edge's counters said before, and say now, to how often whose host was called in which hour. Pure.

use std::collections::BTreeMap;

use common::host::Host;
use edge::calls::{Reading, Way};
use time::{Duration, OffsetDateTime};

/// When a process began is told by its machine's clock, as often as it is asked: it moves a little as that clock is set.
const SAME_BEGINNING: Duration = Duration::seconds(2);

/// Nobody looks for what was called longer ago, whatever a clock says.
const LONGEST: Duration = Duration::days(40);

/// What the last reading that was counted said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// When the edge's process had begun.
    pub started_at: OffsetDateTime,
    /// When it was read, by the record's clock.
    pub read_at: OffsetDateTime,
    pub calls: BTreeMap<Way, u64>,
}

/// What a reading says beyond that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Counters that say something else, and what.
    pub changed: BTreeMap<Way, u64>,
    /// Counters that are there no more: whenever they come back, they begin at zero.
    pub gone: Vec<Way>,
    /// Calls of each host, in the hours (UTC) in which they were made.
    pub hours: BTreeMap<(Host, OffsetDateTime), u64>,
}

/// What this reading, which was begun at `now`, found.
pub fn find(known: Option<&Known>, reading: &Reading, now: OffsetDateTime) -> Found {
    let former = known.filter(|known| !began_since(known, reading));
    let since = match (known, former) {
        (_, Some(former)) => former.read_at,
        // Another process than the one that was read before: what that one still counted is lost.
        (Some(known), None) => reading.started_at.max(known.read_at),
        (None, None) => reading.started_at,
    };
    let mut found = Found::default();
    for (way, calls) in &reading.calls {
        let before = former.and_then(|former| former.calls.get(way)).copied();
        if known.and_then(|known| known.calls.get(way)) != Some(calls) {
            found.changed.insert(way.clone(), *calls);
        }
        // One that says less than before began anew, with its router.
        let new = before.filter(|before| before <= calls).map_or(*calls, |before| calls - before);
        let Some(host) = way.host().filter(|_| new > 0) else { continue };
        for (hour, share) in spread(new, since, now) {
            *found.hours.entry((host.clone(), hour)).or_default() += share;
        }
    }
    let gone = known.into_iter().flat_map(|known| known.calls.keys());
    found.gone = gone.filter(|way| !reading.calls.contains_key(way)).cloned().collect();
    found
}

/// Whether the edge's process has begun since.
fn began_since(known: &Known, reading: &Reading) -> bool {
    let moved = (reading.started_at - known.started_at).abs();
    moved > SAME_BEGINNING && reading.started_at > known.read_at
}

/// Calls of a time evenly over its hours: nobody knows better when they were made. Usually it is a quarter of a minute. All of them, always.
fn spread(calls: u64, since: OffsetDateTime, until: OffsetDateTime) -> Vec<(OffsetDateTime, u64)> {
    let since = since.max(until - LONGEST);
    let whole = (until - since).whole_milliseconds();
    if whole <= 0 {
        return vec![(hour_of(until), calls)];
    }
    let (mut shares, mut told, mut hour) = (Vec::new(), 0, hour_of(since));
    while hour < until {
        let next = hour + Duration::HOUR;
        let over = (next.min(until) - since).whole_milliseconds();
        let so_far = u64::try_from(i128::from(calls) * over / whole).unwrap_or(calls);
        if so_far > told {
            shares.push((hour, so_far - told));
        }
        (told, hour) = (so_far, next);
    }
    shares
}

fn hour_of(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(time::UtcOffset::UTC);
    at - Duration::seconds(i64::from(at.minute()) * 60 + i64::from(at.second()))
        - Duration::nanoseconds(i64::from(at.nanosecond()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const BEGAN: OffsetDateTime = datetime!(2026-11-28 08:00 UTC);
    const READ: OffsetDateTime = datetime!(2026-11-28 10:30 UTC);
    const NOW: OffsetDateTime = datetime!(2026-11-28 10:30:15 UTC);
    const HOUR: OffsetDateTime = datetime!(2026-11-28 10:00 UTC);

    fn way(router: &str, service: &str) -> Way {
        Way { router: format!("{router}@http"), service: format!("{service}@http") }
    }

    fn calls(calls: &[(&str, &str, u64)]) -> BTreeMap<Way, u64> {
        calls.iter().map(|(router, service, calls)| (way(router, service), *calls)).collect()
    }

    fn known(said: &[(&str, &str, u64)]) -> Known {
        Known { started_at: BEGAN, read_at: READ, calls: calls(said) }
    }

    fn reading(started_at: OffsetDateTime, said: &[(&str, &str, u64)]) -> Reading {
        Reading { started_at, calls: calls(said), sides: BTreeMap::new() }
    }

    /// All calls that were found, by host.
    fn sums(found: &Found) -> BTreeMap<&str, u64> {
        let mut sums = BTreeMap::new();
        for ((host, _), calls) in &found.hours {
            *sums.entry(host.as_str()).or_default() += calls;
        }
        sums
    }

    #[test]
    fn what_a_counter_says_more_than_before_was_called_since() {
        let before = known(&[("a.x", "a.x", 10), ("a.x_webhooks", "s.x", 5), ("b.x", "b.x", 7)]);
        let now = reading(
            BEGAN,
            &[("a.x", "a.x", 12), ("a.x_webhooks", "s.x", 6), ("b.x", "b.x", 7), ("c.x", "c.x", 1)],
        );
        let found = find(Some(&before), &now, NOW);
        assert_eq!(sums(&found), BTreeMap::from([("a.x", 3), ("c.x", 1)]));
        assert!(found.hours.keys().all(|(_, hour)| *hour == HOUR));
        let expected = calls(&[("a.x", "a.x", 12), ("a.x_webhooks", "s.x", 6), ("c.x", "c.x", 1)]);
        assert_eq!((found.changed, found.gone), (expected, Vec::new()));
        assert_eq!(
            find(
                Some(&before),
                &reading(BEGAN, &[("a.x", "a.x", 10), ("a.x_webhooks", "s.x", 5), ("b.x", "b.x", 7)]),
                NOW
            ),
            Found::default()
        );
    }

    #[test]
    fn a_way_that_begins_anew_takes_no_other_with_it() {
        // One of two ways of the same host; a sum of both would have looked as if it had begun anew.
        let before = known(&[("a.x", "old.x", 1000), ("a.x", "new.x", 3)]);
        let found = find(Some(&before), &reading(BEGAN, &[("a.x", "new.x", 5)]), NOW);
        assert_eq!(sums(&found), BTreeMap::from([("a.x", 2)]));
        assert_eq!(found.gone, [way("a.x", "old.x")]);
        // Back again: whatever it says then was called since.
        let without = known(&[("a.x", "new.x", 5)]);
        let found =
            find(Some(&without), &reading(BEGAN, &[("a.x", "old.x", 1200), ("a.x", "new.x", 5)]), NOW);
        assert_eq!(sums(&found), BTreeMap::from([("a.x", 1200)]));
        // Gone and back between two readings.
        let found = find(Some(&known(&[("a.x", "a.x", 10)])), &reading(BEGAN, &[("a.x", "a.x", 4)]), NOW);
        assert_eq!(sums(&found), BTreeMap::from([("a.x", 4)]));
    }

    #[test]
    fn a_process_that_began_since_has_counted_all_that_it_says() {
        let before = known(&[("a.x", "a.x", 10), ("b.x", "b.x", 9)]);
        let restarted = READ + Duration::seconds(5);
        let found = find(Some(&before), &reading(restarted, &[("a.x", "a.x", 12)]), NOW);
        assert_eq!(sums(&found), BTreeMap::from([("a.x", 12)]));
        assert_eq!(found.gone, [way("b.x", "b.x")]);
        // The same number again is another twelve, and no change to be written.
        let same = find(Some(&before), &reading(restarted, &[("a.x", "a.x", 10), ("b.x", "b.x", 9)]), NOW);
        assert_eq!(sums(&same), BTreeMap::from([("a.x", 10), ("b.x", 9)]));
        assert!(same.changed.is_empty());
    }

    #[test]
    fn a_clock_that_is_set_begins_no_process() {
        let before = known(&[("a.x", "a.x", 10)]);
        for moved in [Duration::seconds(1), Duration::hours(-30), Duration::hours(2)] {
            let found = find(Some(&before), &reading(BEGAN + moved, &[("a.x", "a.x", 12)]), NOW);
            assert_eq!(sums(&found), BTreeMap::from([("a.x", 2)]), "{moved}");
        }
    }

    #[test]
    fn the_first_reading_of_an_edge_is_of_all_that_it_has_counted() {
        let found = find(None, &reading(BEGAN, &[("a.x", "a.x", 25)]), NOW);
        let by_hour: Vec<_> = found.hours.iter().map(|((_, hour), calls)| (hour.hour(), *calls)).collect();
        assert_eq!(by_hour, [(8, 9), (9, 10), (10, 6)]);
    }

    #[test]
    fn what_was_called_while_nobody_looked_is_spread_and_none_of_it_lost() {
        let (since, until) = (datetime!(2026-11-28 09:45 UTC), datetime!(2026-11-28 12:15 UTC));
        let hours =
            |calls| spread(calls, since, until).iter().map(|(hour, n)| (hour.hour(), *n)).collect::<Vec<_>>();
        assert_eq!(hours(100), [(9, 10), (10, 40), (11, 40), (12, 10)]);
        assert_eq!(hours(1), [(12, 1)]);
        for calls in [0, 3, 7, 99, 1_000_003] {
            assert_eq!(hours(calls).iter().map(|(_, n)| n).sum::<u64>(), calls);
        }
        // Over the turn of an hour, at it, and where a clock went back.
        let turn = datetime!(2026-11-28 11:00 UTC);
        assert_eq!(spread(4, turn - Duration::seconds(15), turn), [(turn - Duration::HOUR, 4)]);
        assert_eq!(spread(4, turn + Duration::MINUTE, turn), [(turn, 4)]);
        let long_ago = spread(960, datetime!(1970-01-01 00:00 UTC), turn);
        assert_eq!((long_ago.len(), long_ago[0].1), (960, 1));
    }
}
