use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn rule(cron: &str, zone: &str, misses: Misses, jitter_seconds: u32) -> Rule {
    Rule { name: "s".into(), plan: Plan::parse(cron, zone).unwrap(), misses, jitter_seconds }
}

fn names(moments: &[Moment]) -> Vec<OffsetDateTime> {
    moments.iter().map(|moment| moment.due_at).collect()
}

#[test]
fn nothing_fires_before_its_time_and_everything_at_it() {
    let noon = datetime!(2026-08-01 12:00 UTC);
    for misses in [Misses::CatchUp, Misses::Skip] {
        let daily = rule("0 12 * * *", "UTC", misses, 0);
        let early = decide(&daily, noon, noon - Duration::NANOSECOND).unwrap();
        assert_eq!((early.fire, early.next.due_at), (vec![], noon));
        let then = decide(&daily, noon, noon).unwrap();
        assert_eq!((names(&then.fire), then.next.due_at), (vec![noon], noon + Duration::DAY));
    }
}

#[test]
fn a_gap_of_26_hours_is_caught_up_or_skipped_as_declared() {
    let before = datetime!(2026-03-28 20:00 UTC);
    let now = before + Duration::hours(26) + Duration::minutes(1);
    let caught = decide(&rule("0 * * * *", "Europe/Berlin", Misses::CatchUp, 0), before, now).unwrap();
    // 27 full hours on UTC's clock, both ends included, whatever the clocks in Berlin did.
    assert_eq!((caught.fire.len(), caught.passed_over), (27, 0));
    let skipped = decide(&rule("0 * * * *", "Europe/Berlin", Misses::Skip, 0), before, now).unwrap();
    // The last one is within its grace.
    assert_eq!((names(&skipped.fire), skipped.passed_over), (vec![now - GRACE], 26));
    let late = now + Duration::SECOND;
    let skipped = decide(&rule("0 * * * *", "Europe/Berlin", Misses::Skip, 0), before, late).unwrap();
    assert_eq!((skipped.fire, skipped.passed_over), (vec![], 27));
    assert_eq!(skipped.next.due_at, now - GRACE + Duration::HOUR);
}

#[test]
fn catching_up_has_a_bound_and_drops_the_oldest() {
    let (from, minutely) = (datetime!(2026-08-01 0:00 UTC), rule("* * * * *", "UTC", Misses::CatchUp, 0));
    let now = from + Duration::minutes(1_500) + Duration::seconds(30);
    let decision = decide(&minutely, from, now).unwrap();
    assert_eq!((decision.fire.len(), decision.passed_over), (CATCH_UP_AT_MOST, 501));
    assert_eq!(decision.fire.last().unwrap().due_at, now - Duration::seconds(30));
    // A year is not walked through, and what is beyond the horizon does not fire.
    let daily = rule("0 0 * * *", "UTC", Misses::CatchUp, 0);
    let decision = decide(&daily, from, from + Duration::days(365)).unwrap();
    assert_eq!((decision.fire.len(), decision.passed_over), (31, 1));
    // What was due exactly so long ago is not beyond it.
    let decision = decide(&daily, from, from + HORIZON).unwrap();
    assert_eq!((decision.fire.len(), decision.fire[0].due_at, decision.passed_over), (32, from, 0));
}

#[test]
fn a_clock_that_jumps_fires_nothing_twice() {
    let (noon, hourly) = (datetime!(2026-08-01 12:00 UTC), rule("0 * * * *", "UTC", Misses::CatchUp, 0));
    let ahead = decide(&hourly, noon, noon + Duration::HOUR).unwrap();
    assert_eq!(names(&ahead.fire), [noon, noon + Duration::HOUR]);
    for now in [noon, noon - Duration::HOUR, noon + Duration::HOUR] {
        assert_eq!(decide(&hourly, ahead.next.due_at, now).unwrap().fire, []);
    }
}

/// Replicas of two versions run side by side while one replaces the other.
#[test]
fn jitter_is_the_same_in_every_version() {
    let hourly = rule("0 * * * *", "UTC", Misses::Skip, 3_600);
    let noon = datetime!(2026-08-01 12:00 UTC);
    let jitters = [0, 1, 2].map(|hours| hourly.moment(noon + Duration::hours(hours)));
    assert_eq!(jitters.map(|moment| (moment.fires_at - moment.due_at).whole_seconds()), [1_418, 44, 554]);
}

#[test]
fn the_words_for_misses_stay_what_they_are() {
    for (misses, word) in [(Misses::CatchUp, "catch_up"), (Misses::Skip, "skip")] {
        assert_eq!((misses.as_str(), word.parse()), (word, Ok(misses)));
    }
    assert!("catchup".parse::<Misses>().is_err());
}

#[test]
fn jitter_is_bounded_spread_and_the_same_for_everybody() {
    let minutely = rule("* * * * *", "UTC", Misses::CatchUp, 30);
    let noon = datetime!(2026-08-01 12:00 UTC);
    let jitters: Vec<_> = (0..1_000)
        .map(|minute| {
            let moment = minutely.moment(noon + Duration::minutes(minute));
            assert_eq!(moment, minutely.clone().moment(moment.due_at));
            (moment.fires_at - moment.due_at).whole_seconds()
        })
        .collect();
    assert!(jitters.iter().all(|jitter| (0..=30).contains(jitter)));
    for jitter in 0..=30 {
        let share = jitters.iter().filter(|j| **j == jitter).count();
        assert!((10..70).contains(&share), "{jitter} s came {share} times");
    }
    let other = Rule { name: "t".into(), ..minutely.clone() };
    assert!(
        (0..10).any(
            |m| other.moment(noon + Duration::minutes(m)) != minutely.moment(noon + Duration::minutes(m))
        )
    );
}

const CHANGES: [(&str, OffsetDateTime); 8] = [
    ("Europe/Berlin", datetime!(2026-03-29 1:00 UTC)),
    ("Europe/Berlin", datetime!(2026-10-25 1:00 UTC)),
    ("America/New_York", datetime!(2026-03-08 7:00 UTC)),
    ("America/New_York", datetime!(2026-11-01 6:00 UTC)),
    ("Australia/Lord_Howe", datetime!(2026-10-03 15:30 UTC)),
    ("Australia/Lord_Howe", datetime!(2026-04-04 15:00 UTC)),
    ("America/Santiago", datetime!(2026-09-06 4:00 UTC)),
    ("America/Santiago", datetime!(2026-04-05 3:00 UTC)),
];

proptest! {
    /// Replicas look one after the other (the row is locked), each by a clock that may jump or stand anywhere.
    #[test]
    fn each_moment_is_decided_once_and_none_is_invented(
        (zone, change) in proptest::sample::select(CHANGES.to_vec()),
        cron in proptest::sample::select(vec!["*/15 * * * *", "30 2 * * *", "15 1 * * *", "0 0 * * *", "7 */2 * * *"]),
        catch_up in any::<bool>(),
        jitter in 0_u32..900,
        // Mostly small steps on, some gaps of a day, some clocks an hour off.
        steps in prop::collection::vec(prop_oneof![
            4 => 1_i64..1_800, 2 => 1_800_i64..20_000, 1 => 80_000_i64..100_000, 1 => -3_600_i64..0,
        ], 1..60),
        wrong in prop::collection::vec(prop_oneof![5 => Just(0_i64), 1 => Just(3_600_i64), 1 => Just(-3_600_i64)], 60),
    ) {
        let misses = if catch_up { Misses::CatchUp } else { Misses::Skip };
        let rule = rule(cron, zone, misses, jitter);
        let begin = change - Duration::days(1);
        let first = rule.next_after(begin).unwrap().due_at;
        let (mut next, mut time, mut fired, mut passed_over) = (first, begin, Vec::new(), 0);
        for (step, wrong) in steps.into_iter().zip(wrong) {
            time += Duration::seconds(step);
            let now = time + Duration::seconds(wrong);
            let decision = decide(&rule, next, now).unwrap();
            for moment in &decision.fire {
                prop_assert!(moment.fires_at <= now, "{moment:?} fired at {now}");
                prop_assert!(catch_up || now <= moment.fires_at + GRACE, "{moment:?} was missed, and fired at {now}");
            }
            prop_assert!(decision.next.fires_at > now, "something due was left");
            next = decision.next.due_at;
            passed_over += decision.passed_over;
            fired.extend(names(&decision.fire));
        }
        let every = std::iter::successors(Some(first), |moment| Some(rule.next_after(*moment).unwrap().due_at));
        let every: Vec<_> = every.take_while(|moment| *moment < next).collect();
        prop_assert_eq!(fired.len() as u64 + passed_over, every.len() as u64);
        if catch_up {
            prop_assert_eq!(fired, every);
        } else {
            prop_assert!(fired.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(fired.iter().all(|moment| every.contains(moment)));
        }
    }
}
