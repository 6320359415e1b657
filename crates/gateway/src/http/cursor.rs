//! Where a page ended, and how long one is. Opaque to callers, so that it can change.

use std::{fmt::Display, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::OffsetDateTime;
use uuid::Uuid;

use super::fields::{Fault, Fields};

const USUAL_PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;

const NOT_OURS: &str = "is not a cursor that was given here";

/// After this row, by time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at: OffsetDateTime,
    pub id: Uuid,
}

/// After the row of this name, where names are the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCursor(pub String);

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<C = Cursor> {
    pub after: Option<C>,
    pub size: i64,
}

impl<C> Default for Page<C> {
    fn default() -> Self {
        Self { after: None, size: USUAL_PAGE }
    }
}

impl<C: FromStr<Err = &'static str> + Display> Page<C> {
    /// Reads `limit` and `cursor`. Nothing, if either is wrong; `fields` knows what.
    pub fn read(fields: &mut Fields) -> Option<Self> {
        let size = fields.optional("limit", limit);
        let after =
            fields.optional("cursor", |text| text.parse().map_err(|e| Fault::new("invalid_cursor", e)));
        Some(Self { after: after?, size: size?.unwrap_or(USUAL_PAGE) })
    }

    /// How many rows to ask for: one more than shown tells whether there is another page.
    pub fn rows(&self) -> i64 {
        self.size + 1
    }

    /// Keeps what is shown, and says where the next page begins, if there is one.
    pub fn cut<T>(&self, rows: &mut Vec<T>, cursor: impl Fn(&T) -> C) -> Option<String> {
        let size = usize::try_from(self.size).unwrap_or_default();
        let more = rows.len() > size;
        rows.truncate(size);
        rows.last().filter(|_| more).map(|last| cursor(last).to_string())
    }
}

fn limit(text: &str) -> Result<i64, Fault> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    limit.ok_or_else(|| Fault::new("invalid_limit", format!("must be a number from 1 to {MAX_PAGE}")))
}

impl Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Microseconds, as Postgres keeps them.
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("1.{micros}.{}", self.id.simple())))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One spelling each: what we would not write was not given here.
        decode(text).filter(|cursor| cursor.to_string() == text).ok_or(NOT_OURS)
    }
}

impl Display for NameCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("1:{}", self.0)))
    }
}

impl FromStr for NameCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let name = plain.as_deref().and_then(|plain| plain.strip_prefix("1:"));
        // Postgres knows no text with a NUL.
        let name = name.filter(|name| !name.contains('\0'));
        name.map(|name| Self(name.to_owned())).ok_or(NOT_OURS)
    }
}

fn decode(text: &str) -> Option<Cursor> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let mut parts = plain.split('.');
    let (version, micros, digits) = (parts.next()?, parts.next()?, parts.next()?);
    if version != "1" || parts.next().is_some() {
        return None;
    }
    let nanos = micros.parse::<i128>().ok()?.checked_mul(1_000)?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    // Other years are no times of ours, and some of them no times of Postgres.
    (1970..=9999).contains(&at.year()).then_some(())?;
    Some(Cursor { at, id: Uuid::try_parse(digits).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_cursor_reads_back_as_itself() {
        let cursor = Cursor { at: datetime!(2026-08-01 12:30:00.123456 UTC), id: Uuid::now_v7() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn what_was_not_given_here_is_no_cursor() {
        let huge = URL_SAFE_NO_PAD.encode(format!("1.{}.{}", i128::MAX, Uuid::now_v7().simple()));
        let other = URL_SAFE_NO_PAD.encode(format!("2.1.{}", Uuid::now_v7().simple()));
        for text in ["", "x", "MS4x", "\u{fffd}", &huge, &other] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            let _ = text.parse::<Cursor>();
            let _ = text.parse::<NameCursor>();
        }

        #[test]
        fn a_name_reads_back_as_itself(name in "[^\0]{0,80}") {
            let cursor = NameCursor(name);
            proptest::prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }
}
