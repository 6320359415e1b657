//! Where a page ended, and how long one is. Opaque to callers, so that it can change.

use std::fmt::Display;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};
use uuid::Uuid;

use super::{
    fields::{Fault, Fields, Text},
    request::{self, Described, Request},
};

const USUAL_PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;

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

impl<R, C: Text> Request<R> for Page<C> {
    fn take(fields: &mut Fields, rules: &R) -> Option<Self> {
        let size = fields.take::<Option<Limit>, _>("limit", rules);
        let after = fields.take("cursor", rules);
        Some(Self { after: after?, size: size?.map_or(USUAL_PAGE, |Limit(size)| size) })
    }

    fn described() -> Vec<Described> {
        vec![
            Described::new::<Option<Limit>, R>("limit", &["1 to 200; 50 when absent."], None),
            Described::new::<Option<C>, R>("cursor", &["`next_cursor` of the page before."], None),
        ]
    }
}

impl<C: Text> IntoParams for Page<C> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        request::query(<Self as Request>::described())
    }
}

impl<C: Display> Page<C> {
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

/// How many rows are shown.
struct Limit(i64);

impl Text for Limit {
    fn parse(text: &str) -> Result<Self, Fault> {
        let limit = text.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
        let fault = || Fault::new("invalid_limit", format!("must be a number from 1 to {MAX_PAGE}"));
        limit.map(Self).ok_or_else(fault)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_PAGE })
    }
}

impl Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Microseconds, as Postgres keeps them.
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("1.{micros}.{}", self.id.simple())))
    }
}

impl Text for Cursor {
    fn parse(text: &str) -> Result<Self, Fault> {
        // One spelling each: what we would not write was not given here.
        decode(text).filter(|cursor| cursor.to_string() == text).ok_or_else(not_ours)
    }

    fn schema() -> Value {
        opaque()
    }
}

impl Display for NameCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("1:{}", self.0)))
    }
}

impl Text for NameCursor {
    fn parse(text: &str) -> Result<Self, Fault> {
        let plain = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let name = plain.as_deref().and_then(|plain| plain.strip_prefix("1:"));
        // Postgres knows no text with a NUL.
        let name = name.filter(|name| !name.contains('\0'));
        name.map(|name| Self(name.to_owned())).ok_or_else(not_ours)
    }

    fn schema() -> Value {
        opaque()
    }
}

fn not_ours() -> Fault {
    Fault::new("invalid_cursor", "is not a cursor that was given here")
}

fn opaque() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$" })
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
        assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
    }

    #[test]
    fn what_was_not_given_here_is_no_cursor() {
        let huge = URL_SAFE_NO_PAD.encode(format!("1.{}.{}", i128::MAX, Uuid::now_v7().simple()));
        let other = URL_SAFE_NO_PAD.encode(format!("2.1.{}", Uuid::now_v7().simple()));
        for text in ["", "x", "MS4x", "\u{fffd}", &huge, &other] {
            assert!(Cursor::parse(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            let _ = Cursor::parse(&text);
            let _ = NameCursor::parse(&text);
        }

        #[test]
        fn a_name_reads_back_as_itself(name in "[^\0]{0,80}") {
            let cursor = NameCursor(name);
            proptest::prop_assert_eq!(NameCursor::parse(&cursor.to_string()), Ok(cursor));
        }
    }
}
