//! The `RateLimit` and `RateLimit-Policy` fields: draft-ietf-httpapi-ratelimit-headers-11, structured fields (RFC 9651).

use std::{fmt::Write, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::policy::Standing;

pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Tells where a caller stands: a list of policies (`q` requests in `w` seconds), and of each how many remain (`r`) for `t` seconds.
pub fn tell<'a>(standings: impl Iterator<Item = &'a Standing>, window: Duration, headers: &mut HeaderMap) {
    let (mut policies, mut limits) = (String::with_capacity(64), String::with_capacity(64));
    for standing in standings {
        let comma = if policies.is_empty() { "" } else { ", " };
        let (name, quota, remaining) = (standing.policy.as_str(), standing.quota, standing.remaining);
        // Writing to a String does not fail.
        let _ = write!(policies, "{comma}\"{name}\";q={quota};w={}", window.as_secs());
        let _ = write!(limits, "{comma}\"{name}\";r={remaining};t={}", standing.resets_in_seconds());
    }
    for (name, text) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, limits)] {
        // Empty when nothing was counted.
        if let (false, Ok(value)) =
            (text.is_empty(), HeaderValue::from_maybe_shared(bytes::Bytes::from(text)))
        {
            headers.insert(name, value);
        }
    }
}
