//! A cron expression in a time zone.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{Timestamp, tz::TimeZone};
use time::OffsetDateTime;

/// No expression that means anything is longer.
const MAX_TEXT: usize = 100;

/// When something is due: five fields (minute, hour, day, month, weekday), read on the clocks of an IANA zone.
///
/// When clocks change, an expression with one minute and one hour (`30 2 * * *`) is due once a day: a time that does not
/// exist that day is due at the first moment that does, one that exists twice the first time. Every other expression
/// follows the clock on the wall: `*/15 * * * *` is due every 15 minutes in the hour that comes twice, and not in the one
/// that is left out.
#[derive(Debug, Clone)]
pub struct Plan {
    cron: Cron,
    zone: TimeZone,
}

/// Why something cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("`{cron}` is no cron expression of five fields: {why}")]
    Cron { cron: String, why: String },
    #[error("there is no time zone `{0}`")]
    Zone(String),
    #[error("`{0}` never comes")]
    Never(String),
    #[error("no moment of this time can be told")]
    Unknown,
}

/// The zone that somebody asked for, if it is one that is known here; else UTC.
pub fn zone_or_utc(asked: Option<&str>) -> &str {
    asked.filter(|zone| zone_of(zone).is_ok()).unwrap_or("UTC")
}

impl Plan {
    /// Reads an expression and a zone. Refuses what never comes, such as a 30th of February.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, PlanError> {
        let refused = |why: String| PlanError::Cron { cron: cron.chars().take(MAX_TEXT).collect(), why };
        if cron.len() > MAX_TEXT {
            return Err(refused(format!("it is longer than {MAX_TEXT} bytes")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let parsed = parser.parse(cron).map_err(|error| refused(error.to_string()))?;
        let plan = Self { cron: parsed, zone: zone_of(zone)? };
        // The search gives up after some thousand years.
        match plan.next_after(OffsetDateTime::UNIX_EPOCH) {
            Ok(_) => Ok(plan),
            Err(_) => Err(PlanError::Never(cron.to_owned())),
        }
    }

    /// The first moment after this one, in whole seconds.
    pub fn next_after(&self, moment: OffsetDateTime) -> Result<OffsetDateTime, PlanError> {
        let whole = Timestamp::from_second(moment.unix_timestamp()).map_err(|_| PlanError::Unknown)?;
        let next = self.cron.find_next_occurrence(&whole.to_zoned(self.zone.clone()), false);
        let next = next.map_err(|_| PlanError::Unknown)?.timestamp().as_second();
        OffsetDateTime::from_unix_timestamp(next).map_err(|_| PlanError::Unknown)
    }
}

/// `TimeZone::get` would also take whatever looks like a zone to a POSIX system.
fn zone_of(name: &str) -> Result<TimeZone, PlanError> {
    let known = name.len() <= MAX_TEXT && (name == "UTC" || name.contains('/'));
    let zone = known.then(|| TimeZone::get(name).ok()).flatten();
    zone.ok_or_else(|| PlanError::Zone(name.chars().take(MAX_TEXT).collect()))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
