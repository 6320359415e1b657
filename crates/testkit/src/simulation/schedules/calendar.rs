//! When a schedule is due, found by walking through the minutes: no cron and no search, so that it can be held against both.

use jiff::{Timestamp, tz::TimeZone};
use time::OffsetDateTime;

/// An expression, and in other words what it means.
#[derive(Debug)]
pub struct Shape {
    pub cron: &'static str,
    means: Means,
}

#[derive(Debug)]
enum Means {
    /// Whenever the clock on the wall shows it: the minute, the hour, the day of the week.
    Wall(fn(i64, i64, i64) -> bool),
    /// Once on each such day of the week: at this time, or the first after it that there is.
    Daily(i64, i64, fn(i64) -> bool),
}

/// From most often to least.
pub const SHAPES: [Shape; 10] = [
    Shape { cron: "* * * * *", means: Means::Wall(|_, _, _| true) },
    Shape { cron: "*/2 * * * *", means: Means::Wall(|minute, _, _| minute % 2 == 0) },
    Shape { cron: "*/15 * * * *", means: Means::Wall(|minute, _, _| minute % 15 == 0) },
    Shape { cron: "10-40/10 * * * *", means: Means::Wall(|m, _, _| m % 10 == 0 && (10..=40).contains(&m)) },
    Shape { cron: "0 * * * *", means: Means::Wall(|minute, _, _| minute == 0) },
    Shape { cron: "7 */2 * * *", means: Means::Wall(|minute, hour, _| minute == 7 && hour % 2 == 0) },
    Shape { cron: "30 1,2,3 * * *", means: Means::Wall(|m, hour, _| m == 30 && (1..=3).contains(&hour)) },
    Shape { cron: "15 2 * * *", means: Means::Daily(2, 15, |_| true) },
    Shape { cron: "30 0 * * *", means: Means::Daily(0, 30, |_| true) },
    Shape { cron: "45 1 * * SUN-FRI", means: Means::Daily(1, 45, |weekday| weekday < 6) },
];

/// A moment that a schedule is due at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub at: OffsetDateTime,
    /// The clocks had changed: the wall shows a time for the second time, or not the one that was meant.
    pub odd: bool,
}

const DAY: i64 = 24 * 60;

impl Shape {
    pub fn of(cron: &str) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| shape.cron == cron)
    }

    /// Every moment in this zone from one moment to another.
    pub fn moments(&self, zone: &str, from: OffsetDateTime, to: OffsetDateTime) -> Vec<Due> {
        let zone = TimeZone::get(zone).expect("the zones are there");
        let (first, last) = (from.unix_timestamp().div_euclid(60), to.unix_timestamp().div_euclid(60));
        let (mut moments, mut walk) = (Vec::new(), Walk::default());
        // A day before: whether today's time was there already is known then.
        for minute in first - DAY..=last {
            // No clock is changed but at a quarter of an hour.
            if walk.offset.is_none() || minute % 15 == 0 {
                walk.offset = Some(offset(&zone, minute));
            }
            let due = walk.step(minute, &self.means).filter(|_| minute >= first);
            moments.extend(due.map(|odd| Due { at: moment(minute), odd }));
        }
        moments
    }
}

/// Going through the minutes, one after the other.
#[derive(Default)]
struct Walk {
    offset: Option<i64>,
    /// The latest minute that the wall has shown.
    latest: i64,
    /// The last day whose time has come.
    done: i64,
}

impl Walk {
    /// Whether this minute is due, and whether it is an odd one.
    fn step(&mut self, minute: i64, means: &Means) -> Option<bool> {
        let wall = minute + self.offset.unwrap_or_default();
        let again = wall <= self.latest;
        self.latest = self.latest.max(wall);
        let (day, of_day) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        // The first of January 1970 was a Thursday; weeks begin with Sunday.
        let weekday = (day + 4).rem_euclid(7);
        match means {
            Means::Wall(is_due) => is_due(of_day % 60, of_day / 60, weekday).then_some(again),
            Means::Daily(hour, minute, is_day) => {
                let meant = hour * 60 + minute;
                let first = of_day >= meant && day > self.done;
                self.done = if first { day } else { self.done };
                (first && is_day(weekday)).then_some(of_day != meant)
            }
        }
    }
}

fn moment(minute: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(minute * 60).expect("it is a time of our days")
}

/// How many minutes the zone's clocks are ahead then.
fn offset(zone: &TimeZone, minute: i64) -> i64 {
    let then = Timestamp::from_second(minute * 60).expect("it is a time of our days");
    i64::from(zone.to_offset(then).seconds()) / 60
}
