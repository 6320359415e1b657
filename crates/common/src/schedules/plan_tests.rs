use time::{Duration, macros::datetime};

use super::*;

/// Everything due after `from` and not after `until`, on UTC's clock.
fn due(cron: &str, zone: &str, from: OffsetDateTime, until: OffsetDateTime) -> Vec<OffsetDateTime> {
    let plan = Plan::parse(cron, zone).unwrap();
    let next = |after: &OffsetDateTime| plan.next_after(*after).ok();
    std::iter::successors(next(&from), next).take_while(|moment| *moment <= until).collect()
}

#[test]
fn a_zone_that_nobody_knows_is_utc() {
    assert_eq!(zone_or_utc(Some("America/New_York")), "America/New_York");
    for asked in [None, Some("Mars/Olympus"), Some("")] {
        assert_eq!(zone_or_utc(asked), "UTC");
    }
}

/// A job of one time a day is due once on each of these days.
fn once_a_day(cron: &str, zone: &str, expected: &[OffsetDateTime]) {
    let (first, last) = (expected[0], expected[expected.len() - 1]);
    assert_eq!(due(cron, zone, first - Duration::SECOND, last), expected, "{cron} in {zone}");
}

#[test]
fn a_time_that_does_not_exist_is_due_at_the_first_moment_that_does() {
    once_a_day(
        "30 2 * * *",
        "Europe/Berlin",
        &[datetime!(2026-03-28 01:30 UTC), datetime!(2026-03-29 01:00 UTC), datetime!(2026-03-30 00:30 UTC)],
    );
    once_a_day(
        "30 2 * * *",
        "America/New_York",
        &[datetime!(2026-03-07 07:30 UTC), datetime!(2026-03-08 07:00 UTC), datetime!(2026-03-09 06:30 UTC)],
    );
    // Half an hour: from 02:00 (+10:30) to 02:30 (+11).
    once_a_day(
        "15 2 * * *",
        "Australia/Lord_Howe",
        &[datetime!(2026-10-02 15:45 UTC), datetime!(2026-10-03 15:30 UTC), datetime!(2026-10-04 15:15 UTC)],
    );
    // The day itself begins at 01:00.
    once_a_day(
        "0 0 * * *",
        "America/Santiago",
        &[datetime!(2026-09-05 04:00 UTC), datetime!(2026-09-06 04:00 UTC), datetime!(2026-09-07 03:00 UTC)],
    );
}

#[test]
fn a_time_that_exists_twice_is_due_the_first_time() {
    once_a_day(
        "30 2 * * *",
        "Europe/Berlin",
        &[datetime!(2026-10-24 00:30 UTC), datetime!(2026-10-25 00:30 UTC), datetime!(2026-10-26 01:30 UTC)],
    );
    once_a_day(
        "30 1 * * *",
        "America/New_York",
        &[datetime!(2026-10-31 05:30 UTC), datetime!(2026-11-01 05:30 UTC), datetime!(2026-11-02 06:30 UTC)],
    );
    once_a_day(
        "45 1 * * *",
        "Australia/Lord_Howe",
        &[datetime!(2026-04-03 14:45 UTC), datetime!(2026-04-04 14:45 UTC), datetime!(2026-04-05 15:15 UTC)],
    );
    // Midnight comes and goes back to 23:00 of the day before.
    once_a_day(
        "30 23 * * *",
        "America/Santiago",
        &[datetime!(2026-04-04 02:30 UTC), datetime!(2026-04-05 02:30 UTC), datetime!(2026-04-06 03:30 UTC)],
    );
}

#[test]
fn what_is_due_many_times_a_day_follows_the_clock_on_the_wall() {
    for (zone, day, expected) in [
        ("Europe/Berlin", datetime!(2026-03-28 23:00 UTC), 23 * 4),
        ("Europe/Berlin", datetime!(2026-10-24 22:00 UTC), 25 * 4),
        ("America/New_York", datetime!(2026-03-08 05:00 UTC), 23 * 4),
        ("America/New_York", datetime!(2026-11-01 04:00 UTC), 25 * 4),
        ("Australia/Lord_Howe", datetime!(2026-10-03 13:30 UTC), 23 * 4 + 2),
        ("Australia/Lord_Howe", datetime!(2026-04-04 13:00 UTC), 24 * 4 + 2),
        ("America/Santiago", datetime!(2026-09-06 04:00 UTC), 23 * 4),
        ("America/Santiago", datetime!(2026-04-04 03:00 UTC), 25 * 4),
    ] {
        let length = Duration::minutes(expected * 15);
        let due = due("*/15 * * * *", zone, day - Duration::SECOND, day + length - Duration::SECOND);
        assert_eq!(due.len() as i64, expected, "{zone} {day}");
        assert!(due.windows(2).all(|pair| pair[1] - pair[0] == Duration::minutes(15)), "{zone} {day}");
    }
}

#[test]
fn so_does_a_list_of_hours() {
    let spring = (datetime!(2026-03-28 23:00 UTC), datetime!(2026-03-29 22:00 UTC));
    assert_eq!(due("0 2,14 * * *", "Europe/Berlin", spring.0, spring.1), [datetime!(2026-03-29 12:00 UTC)]);
    let autumn = (datetime!(2026-10-24 22:00 UTC), datetime!(2026-10-25 23:00 UTC));
    let expected =
        [datetime!(2026-10-25 0:00 UTC), datetime!(2026-10-25 1:00 UTC), datetime!(2026-10-25 13:00 UTC)];
    assert_eq!(due("0 2,14 * * *", "Europe/Berlin", autumn.0, autumn.1), expected);
}

#[test]
fn days_that_come_seldom_come() {
    let leap = due("0 12 29 2 *", "UTC", datetime!(2026-01-01 0:00 UTC), datetime!(2033-01-01 0:00 UTC));
    assert_eq!(leap, [datetime!(2028-02-29 12:00 UTC), datetime!(2032-02-29 12:00 UTC)]);
    let last =
        due("0 0 L * *", "Europe/Berlin", datetime!(2027-02-01 0:00 UTC), datetime!(2027-03-15 0:00 UTC));
    assert_eq!(last, [datetime!(2027-02-27 23:00 UTC)]);
}

#[test]
fn what_never_comes_is_refused_and_says_so() {
    for never in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"] {
        let error = Plan::parse(never, "UTC").unwrap_err();
        assert_eq!(error.to_string(), format!("`{never}` never comes"));
    }
    let six =
        ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "a b c d e", "*/0 * * * *", "* * 0 * *"];
    for bad in six {
        assert!(matches!(Plan::parse(bad, "UTC"), Err(PlanError::Cron { .. })), "{bad:?}");
    }
    assert!(matches!(Plan::parse(&"*".repeat(101), "UTC"), Err(PlanError::Cron { .. })));
    for bad in ["", "Mars/Olympus", "Europe", "../etc/passwd", "utc+1", ":Europe/Berlin", "Local"] {
        assert!(matches!(Plan::parse("0 0 * * *", bad), Err(PlanError::Zone(_))), "{bad:?}");
    }
}

proptest::proptest! {
    /// Wherever the search begins, it finds the same moments: this is what lets a long gap be entered in its middle.
    #[test]
    fn the_beginning_of_the_search_changes_nothing(
        zone in proptest::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"]),
        cron in proptest::sample::select(vec!["30 2 * * *", "*/20 * * * *", "15 1,2 * * *", "0 0 * * *", "30 23 * * 6,0"]),
        change in proptest::sample::select(vec![
            datetime!(2026-03-08 7:00 UTC), datetime!(2026-03-29 1:00 UTC), datetime!(2026-10-25 1:00 UTC),
            datetime!(2026-11-01 6:00 UTC), datetime!(2026-10-03 15:30 UTC), datetime!(2026-04-04 15:00 UTC),
            datetime!(2026-09-06 4:00 UTC), datetime!(2026-04-05 3:00 UTC),
        ]),
        offset in -100_000_i64..100_000,
        nanos in 0_i64..1_000_000_000,
    ) {
        let end = change + Duration::days(4);
        let all = due(cron, zone, change - Duration::days(3), end);
        let from = change + Duration::seconds(offset) + Duration::nanoseconds(nanos);
        let later: Vec<_> = all.into_iter().filter(|moment| *moment > from).collect();
        proptest::prop_assert_eq!(due(cron, zone, from, end), later);
    }

    #[test]
    fn no_text_breaks_the_reader(cron in "\\PC{0,60}", zone in "\\PC{0,30}") {
        let _ = Plan::parse(&cron, "UTC");
        let _ = Plan::parse("0 0 * * *", &zone);
    }

    #[test]
    fn no_expression_breaks_the_search(cron in "[0-9*,/LW#?-]{1,6} [0-9*,/-]{1,4} [0-9*,/LW?-]{1,4} [0-9*,-]{1,3} [0-9*,/L#?-]{1,4}") {
        let _ = Plan::parse(&cron, "Europe/Berlin");
    }
}
