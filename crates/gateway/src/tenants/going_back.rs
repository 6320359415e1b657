//! Back into the n8n that a tenant shared: how that is asked for, and until when it can be.

use common::id::PromotionId;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use wire::kinds::TenantRollback;

use super::words::Reason;
use crate::{
    http::{
        fields::{Fault, Text},
        request::request,
    },
    store::promotions::Moved,
};

request! {
    /// Which promotion is taken back.
    pub struct RollbackAsked: Request {
        #[example = "pro_0198c0de0000700080000000000000ee"]
        promotion_id: PromotionId,
        /// For those who read the audit log; 1 to 500 characters.
        #[example = "A workflow that it relies on does not run there."]
        reason: Option<Reason>,
    }
}

impl Text for PromotionId {
    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|error| Fault::new("invalid_id", error))
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^pro_[0-9a-f]{32}$" })
    }
}

impl RollbackAsked {
    /// What the operation is asked.
    pub const fn request(&self) -> TenantRollback {
        TenantRollback { promotion: self.promotion_id }
    }
}

/// Why nobody goes back by this promotion any more, or yet.
pub fn too_late(moved: &Moved, now: OffsetDateTime) -> Option<String> {
    let at = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
    match (moved.status.as_str(), moved.retired_at, moved.retire_at) {
        ("running", ..) => Some(
            "The promotion is not over: cancel its operation, and the tenant stays where it is.".to_owned(),
        ),
        ("failed", ..) => Some("The promotion failed: the tenant is where it was.".to_owned()),
        ("rolled_back", ..) => Some("The tenant is back already by this promotion's end.".to_owned()),
        (_, Some(gone), _) => Some(format!(
            "It is too late: what the tenant had in the shared n8n was removed at {}.",
            at(gone)
        )),
        (_, None, Some(until)) if until <= now => Some(format!(
            "It is too late: what the tenant had in the shared n8n was kept until {}, and is being removed.",
            at(until)
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn there_is_a_way_back_until_what_it_had_goes_and_it_is_said_why_not() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let moved =
            |status: &str, retire_at, retired_at| Moved { status: status.into(), retire_at, retired_at };
        let later = Some(now + Duration::hours(1));
        for (moved, words) in [
            (moved("succeeded", later, None), None),
            (moved("succeeded", Some(now), None), Some("kept until 1970-01-01T00:00:00Z")),
            (moved("succeeded", Some(now), Some(now)), Some("was removed at 1970-01-01T00:00:00Z")),
            (moved("running", None, None), Some("not over")),
            (moved("failed", None, None), Some("where it was")),
            (moved("rolled_back", later, None), Some("back already")),
        ] {
            let why = too_late(&moved, now);
            assert_eq!(why.is_some(), words.is_some(), "{moved:?}");
            assert!(why.unwrap_or_default().contains(words.unwrap_or_default()), "{moved:?}");
        }
    }
}
