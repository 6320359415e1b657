//! What a tenant could be restored from now.

use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::store::backups::BackedUp;

/// How a tenant's backups stand. One that shares an n8n has none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackedUp)]
pub struct BackedUpView {
    /// The moment that the newest backup is of that it could be restored from.
    #[serde(with = "rfc3339::option")]
    last_restorable_at: Option<OffsetDateTime>,
    /// Seconds since then: so much of what it did would be lost.
    rpo_seconds: Option<i64>,
    /// When one of its backups was last restored, and n8n ran on it.
    #[serde(with = "rfc3339::option")]
    last_proven_at: Option<OffsetDateTime>,
    /// When one of them came to nothing the last time, however long ago.
    #[serde(with = "rfc3339::option")]
    last_failed_at: Option<OffsetDateTime>,
    /// Why.
    last_failure: Option<String>,
}

impl From<BackedUp> for BackedUpView {
    fn from(backed_up: BackedUp) -> Self {
        let BackedUp { restorable, proven, failed, asked } = backed_up;
        // Clocks of two machines may differ.
        let since = |moment: OffsetDateTime| (asked - moment).whole_seconds().max(0);
        let (failed_at, failure) = failed.map(|failed| (failed.0.failed_at, failed.0.failure)).unzip();
        Self {
            last_restorable_at: restorable,
            rpo_seconds: restorable.map(since),
            last_proven_at: proven,
            last_failed_at: failed_at,
            last_failure: failure.flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_would_be_lost_is_what_was_done_since() {
        let asked = datetime!(2026-08-02 03:00 UTC);
        let of = |restorable| BackedUp { restorable, proven: None, failed: None, asked };
        let lost = |restorable| BackedUpView::from(of(restorable)).rpo_seconds;
        assert_eq!(lost(Some(datetime!(2026-08-02 02:00 UTC))), Some(3_600));
        assert_eq!((lost(Some(datetime!(2026-08-02 03:00:01 UTC))), lost(None)), (Some(0), None));
    }
}
