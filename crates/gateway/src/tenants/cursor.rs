//! Where a page of tenants ended. Opaque to callers, so that it can change.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::id::TenantId;
use time::OffsetDateTime;

/// After this tenant, by time of creation and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub created_at: OffsetDateTime,
    pub id: TenantId,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Microseconds, as Postgres keeps them.
        let micros = self.created_at.unix_timestamp_nanos() / 1_000;
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("1.{micros}.{}", self.id.digits())))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode(text).ok_or("is not a cursor that was given here")
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
    let created_at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    // Other years are no times of ours, and some of them no times of Postgres.
    (1970..=9999).contains(&created_at.year()).then_some(())?;
    Some(Cursor { created_at, id: format!("{}_{digits}", TenantId::PREFIX).parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_cursor_reads_back_as_itself() {
        let cursor =
            Cursor { created_at: datetime!(2026-08-01 12:30:00.123456 UTC), id: TenantId::generate() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn what_was_not_given_here_is_no_cursor() {
        let huge = URL_SAFE_NO_PAD.encode(format!("1.{}.{}", i128::MAX, TenantId::generate().digits()));
        let other = URL_SAFE_NO_PAD.encode(format!("2.1.{}", TenantId::generate().digits()));
        for text in ["", "x", "MS4x", "\u{fffd}", &huge, &other] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            let _ = text.parse::<Cursor>();
        }
    }
}
