//! The `RateLimit` and `RateLimit-Policy` fields: draft-ietf-httpapi-ratelimit-headers-11, structured fields (RFC 9651).

use std::{fmt::Write, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::policy::LimitStatus;

pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Tells where a caller stands: a list of policies (`q` requests in `w` seconds), and of each how many remain (`r`) for `t` seconds.
pub fn tell<'a>(limits: impl Iterator<Item = &'a LimitStatus>, window: Duration, headers: &mut HeaderMap) {
    let (mut policies, mut remainders) = (String::with_capacity(64), String::with_capacity(64));
    for limit in limits {
        let comma = if policies.is_empty() { "" } else { ", " };
        let (name, quota, remaining) = (limit.policy.as_str(), limit.quota, limit.remaining);
        // Writing to a String does not fail.
        let _ = write!(policies, "{comma}\"{name}\";q={quota};w={}", window.as_secs());
        let _ = write!(remainders, "{comma}\"{name}\";r={remaining};t={}", limit.resets_in_seconds());
    }
    for (name, text) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, remainders)] {
        // Empty when nothing was counted.
        if let (false, Ok(value)) =
            (text.is_empty(), HeaderValue::from_maybe_shared(bytes::Bytes::from(text)))
        {
            headers.insert(name, value);
        }
    }
}
