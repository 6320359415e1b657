//! The only place that asks what time it is.

use time::OffsetDateTime;

/// The present moment, in UTC.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
