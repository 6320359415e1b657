//! Of which time usage is asked for, and how finely.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::http::fields::{Fault, Text};

/// A year, a month or a day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Year(i16),
    Month(i16, i8),
    Day(Date),
}

/// What the answer is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolution {
    Hour,
    #[default]
    Day,
    Month,
}

/// On whose clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

const FIRST_YEAR: i16 = 2020;
const LAST_YEAR: i16 = 2200;

impl Period {
    /// The month that it is at this moment there.
    pub fn present(zone: &Zone, now: Timestamp) -> Self {
        let date = now.to_zoned(zone.0.clone()).date();
        Self::Month(date.year(), date.month())
    }

    /// Its first day, and the first that is not in it any more.
    fn days(self) -> Option<(Date, Date)> {
        let (first, length) = match self {
            Self::Year(year) => (Date::new(year, 1, 1).ok()?, 1.year()),
            Self::Month(year, month) => (Date::new(year, month, 1).ok()?, 1.month()),
            Self::Day(day) => (day, 1.day()),
        };
        Some((first, first.checked_add(length).ok()?))
    }

    /// From when until when that is on these clocks.
    pub fn bounds(self, zone: &Zone) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let (first, end) = self.days()?;
        let begins = |date: Date| moment(date.to_zoned(zone.0.clone()).ok()?.timestamp());
        Some((begins(first)?, begins(end)?))
    }
}

impl Resolution {
    /// When the part begins in which this moment lies.
    pub fn begins(self, at: OffsetDateTime, zone: &Zone) -> Option<OffsetDateTime> {
        let local = Timestamp::from_second(at.unix_timestamp()).ok()?.to_zoned(zone.0.clone());
        let begun = match self {
            // Hours of UTC: where clocks are half an hour off, they begin at half past.
            Self::Hour => return Some(at),
            Self::Day => local.date(),
            Self::Month => local.date().first_of_month(),
        };
        moment(begun.to_zoned(zone.0.clone()).ok()?.timestamp())
    }

    /// Whether so long a period can be told so finely.
    pub const fn suits(self, period: Period) -> bool {
        !matches!((self, period), (Self::Hour, Period::Year(_)))
    }

    /// From when on hours tell what was asked for: from its beginning, or, where hours were forgotten since (`forgotten` lies after its beginning), from the first month on that
    /// has all of them; months tell what was before. `None`: months cannot.
    pub fn hours_from(
        self,
        period: Period,
        zone: &Zone,
        from: OffsetDateTime,
        forgotten: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        if from >= forgotten {
            return Some(from);
        }
        let is_of_months =
            self == Self::Month && zone.0 == TimeZone::UTC && !matches!(period, Period::Day(_));
        let month = Self::Month.begins(forgotten, zone)?;
        let next = forgotten.date().month().length(forgotten.year());
        let whole = if month == forgotten { month } else { month + time::Duration::days(next.into()) };
        is_of_months.then_some(whole)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

fn moment(at: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(at.as_second()).ok()
}

impl Text for Period {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fault = || {
            Fault::new(
                "invalid_period",
                "must be a year, a month or a day, such as 2026, 2026-11 or 2026-11-28",
            )
        };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let parts: Vec<&str> = text.split('-').collect();
        let number = |text: &str| text.parse::<i16>().ok();
        let period = match parts.as_slice() {
            [year] if year.len() == 4 => number(year).map(Self::Year),
            [year, month] if year.len() == 4 && month.len() == 2 => {
                number(year).zip(month.parse().ok()).map(|(year, month)| Self::Month(year, month))
            }
            [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2 => {
                text.parse().ok().map(Self::Day)
            }
            _ => None,
        };
        let period = period.filter(|_| is_plain).ok_or_else(fault)?;
        let (first, _) = period.days().ok_or_else(fault)?;
        if (FIRST_YEAR..=LAST_YEAR).contains(&first.year()) { Ok(period) } else { Err(fault()) }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$", "example": "2026-11" })
    }
}

impl Text for Resolution {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "hour" => Ok(Self::Hour),
            "day" => Ok(Self::Day),
            "month" => Ok(Self::Month),
            _ => Err(Fault::new("invalid_resolution", "must be one of: hour, day, month")),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": ["hour", "day", "month"] })
    }
}

impl Text for Zone {
    fn parse(text: &str) -> Result<Self, Fault> {
        let fault =
            || Fault::new("invalid_time_zone", "must be the IANA name of a time zone, such as Europe/Berlin");
        TimeZone::get(text).map(Self).map_err(|_| fault())
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_+/-]{0,63}$", "example": "Europe/Berlin" })
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn periods_are_years_months_and_days_and_nothing_else() {
        assert_eq!(Period::parse("2026"), Ok(Period::Year(2026)));
        assert_eq!(Period::parse("2026-11"), Ok(Period::Month(2026, 11)));
        assert_eq!(Period::parse("2028-02-29"), Ok(Period::Day(Date::constant(2028, 2, 29))));
        for wrong in [
            "",
            "26",
            "2026-13",
            "2026-00",
            "2026-1",
            "2026-02-30",
            "2026-11-28T00",
            "+2026",
            "2026-11-28-01",
            "9999",
            "1999",
        ] {
            assert!(Period::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_it_is_on_these_clocks() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let hours = |day| {
            let (from, until) = Period::parse(day).unwrap().bounds(&zone).unwrap();
            (until - from).whole_hours()
        };
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-11-28")), (23, 25, 24));
        assert!(Zone::parse("Mars/Olympus").is_err());
    }

    #[test]
    fn months_tell_what_was_before_the_hours_that_are_kept() {
        let (utc, berlin) = (Zone::default(), Zone::parse("Europe/Berlin").unwrap());
        assert_eq!(Zone::parse("UTC").unwrap(), utc);
        let year = Period::Year(2025);
        let from = |period: Period| period.bounds(&utc).unwrap().0;
        let hours = |resolution: Resolution, period, zone, forgotten| {
            resolution.hours_from(period, zone, from(period), forgotten)
        };
        let (before, within) = (datetime!(2024-12-31 23:00 UTC), datetime!(2025-02-10 05:00 UTC));
        for resolution in [Resolution::Day, Resolution::Month] {
            assert_eq!(hours(resolution, year, &berlin, before), Some(datetime!(2025-01-01 00:00 UTC)));
        }
        assert_eq!(hours(Resolution::Month, year, &utc, within), Some(datetime!(2025-03-01 00:00 UTC)));
        let exactly = datetime!(2025-02-01 00:00 UTC);
        assert_eq!(hours(Resolution::Month, year, &utc, exactly), Some(exactly));
        assert_eq!(hours(Resolution::Month, year, &berlin, within), None);
        assert_eq!(hours(Resolution::Day, year, &utc, within), None);
        let day = Period::parse("2025-01-03").unwrap();
        assert_eq!(hours(Resolution::Month, day, &utc, within), None, "a month is no day");
    }

    #[test]
    fn each_hour_lies_in_the_day_and_month_that_it_begins_in_there() {
        let zone = Zone::parse("America/New_York").unwrap();
        let at = datetime!(2026-11-01 03:00 UTC);
        assert_eq!(Resolution::Day.begins(at, &zone), Some(datetime!(2026-10-31 04:00 UTC)));
        assert_eq!(Resolution::Month.begins(at, &zone), Some(datetime!(2026-10-01 04:00 UTC)));
        assert_eq!(Resolution::Hour.begins(at, &zone), Some(at));
        assert!(
            !Resolution::Hour.suits(Period::Year(2026)) && Resolution::Hour.suits(Period::Month(2026, 11))
        );
    }
}
