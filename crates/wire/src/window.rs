//! When something may be done.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A stretch of time in which something may begin: from a moment on, and before another one if it has an end. In words it is an interval of ISO 8601,
/// `2026-12-01T01:00:00Z/2026-12-01T03:00:00Z`, or the first moment alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    pub from: OffsetDateTime,
    pub until: Option<OffsetDateTime>,
}

/// What is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error("must be a moment such as 2026-12-01T01:00:00Z, or two with `/` between them")]
    Malformed,
    #[error("must end after it begins")]
    Backwards,
}

impl Window {
    /// Whether it is over, so that nothing begins any more.
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// What a request says about when it may begin, whatever its kind.
pub fn asked_in(request: &Value) -> Option<Window> {
    request.get("window")?.as_str()?.parse().ok()
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let (from, until) = match text.split_once('/') {
            Some((from, until)) => (second(from)?, Some(second(until)?)),
            None => (second(text)?, None),
        };
        if until.is_some_and(|until| until <= from) {
            return Err(WindowError::Backwards);
        }
        Ok(Self { from, until })
    }
}

/// A moment as RFC 3339 writes it, in UTC; `None` for what is none, or cannot be told in UTC: the last hours of the year 9999 cannot everywhere.
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    // The parser takes whatever stands between the date and the time.
    let moment =
        OffsetDateTime::parse(text, &Rfc3339).ok().filter(|_| matches!(text.get(10..11), Some("T" | "t")));
    moment.and_then(|moment| moment.checked_to_offset(UtcOffset::UTC))
}

/// To the second: whoever reads it afterwards reads the same. There is no year 0 in a calendar, nor in the record.
fn second(text: &str) -> Result<OffsetDateTime, WindowError> {
    let moment = moment(text).filter(|moment| moment.year() >= 1);
    moment.and_then(|moment| moment.replace_nanosecond(0).ok()).ok_or(WindowError::Malformed)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |moment: OffsetDateTime| moment.format(&Rfc3339).map_err(|_| fmt::Error);
        f.write_str(&word(self.from)?)?;
        self.until.map_or(Ok(()), |until| write!(f, "/{}", word(until)?))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for (text, kept) in [
            ("2026-12-01T01:00:00Z", "2026-12-01T01:00:00Z"),
            (
                "2026-12-01T01:00:00.75+01:00/2026-12-01T03:00:00Z",
                "2026-12-01T00:00:00Z/2026-12-01T03:00:00Z",
            ),
        ] {
            let window: Window = text.parse().unwrap();
            assert_eq!(window.to_string(), kept);
            assert_eq!(serde_json::to_value(window).unwrap(), kept);
            assert_eq!(serde_json::from_value::<Window>(kept.into()).unwrap(), window);
        }
    }

    #[test]
    fn a_request_may_have_one() {
        let asked = |request: &str| asked_in(&serde_json::from_str(request).unwrap());
        let window = "2026-12-01T01:00:00Z".parse().unwrap();
        assert_eq!(asked(r#"{"window":"2026-12-01T01:00:00Z"}"#), Some(window));
        assert_eq!([r#"{}"#, r#"{"window":null}"#, r#"{"window":"soon"}"#].map(asked), [None; 3]);
    }

    #[test]
    fn what_is_none_is_refused() {
        for (text, why) in [
            ("", WindowError::Malformed),
            ("tonight", WindowError::Malformed),
            ("2026-12-01", WindowError::Malformed),
            ("2026-12-01T01:00:00Z/", WindowError::Malformed),
            ("/2026-12-01T01:00:00Z", WindowError::Malformed),
            ("2026-12-01T01:00:00Z/PT2H", WindowError::Malformed),
            ("9999-12-31T23:59:59-00:01", WindowError::Malformed),
            ("0000-01-01T00:00:00Z", WindowError::Malformed),
            ("0001-01-01T00:00:00+01:00", WindowError::Malformed),
            ("2026-12-01 01:00:00Z", WindowError::Malformed),
            ("2026-12-01_01:00:00Z", WindowError::Malformed),
            ("2026-12-01T01:00:00Z/2026-12-01T01:00:00Z", WindowError::Backwards),
            ("2026-12-01T01:00:00Z/2026-12-01T01:30:00+01:00", WindowError::Backwards),
        ] {
            assert_eq!(text.parse::<Window>(), Err(why), "{text}");
        }
    }

    #[test]
    fn one_without_an_end_is_never_over() {
        let window: Window = "2026-12-01T01:00:00Z/2026-12-01T03:00:00Z".parse().unwrap();
        let end = window.until.unwrap();
        assert!(window.is_over(end) && !window.is_over(end - time::Duration::seconds(1)));
        assert!(!Window { until: None, ..window }.is_over(end + time::Duration::days(3650)));
    }
}
