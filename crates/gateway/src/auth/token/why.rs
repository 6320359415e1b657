//! What is wrong with a token, in words that its maker can act on. Nothing of the token itself is repeated.

use jsonwebtoken::errors::ErrorKind;
use serde_json::Value;

use super::AUDIENCE;
use crate::{
    auth::Role,
    problem::{Code, Problem},
};

/// Unix seconds beyond this are not meant: in seconds it is the year 5138, in milliseconds 1973.
const NO_SECONDS: f64 = 1e11;
const MILLISECONDS: &str = "Unix seconds are expected, not milliseconds.";

/// A token that is none here, and why.
pub fn invalid(why: impl Into<String>) -> Problem {
    Problem::new(Code::TokenInvalid).detail(why)
}

/// Why the library refused it. `claims` is what it says, if its signature fits.
pub fn refused(kind: &ErrorKind, claims: &Value, now: i64) -> Problem {
    let seconds = |name: &str| claims[name].as_f64().unwrap_or_default();
    let expired = |why: String| Problem::new(Code::TokenExpired).detail(why);
    if matches!(kind, ErrorKind::InvalidSignature) {
        return invalid("The token was signed with another secret, or changed after it was signed.");
    }
    if matches!(kind, ErrorKind::ExpiredSignature) {
        let ago = now as f64 - seconds("exp");
        return expired(format!("The token expired {ago:.0} seconds ago, by our clock (`exp`)."));
    }
    if matches!(kind, ErrorKind::ImmatureSignature) {
        let begins = seconds("nbf");
        return expired(if begins > NO_SECONDS {
            format!("The token is not valid for centuries yet (`nbf`): {MILLISECONDS}")
        } else {
            let wait = begins - now as f64;
            format!("The token is not valid for another {wait:.0} seconds, by our clock (`nbf`).")
        });
    }
    invalid(claim(claims))
}

/// A token that is valid for longer than any may be.
pub fn lasts_too_long(expires: f64, now: i64, days: u32) -> Problem {
    invalid(if expires > NO_SECONDS {
        format!("The token expires in the far future (`exp`): {MILLISECONDS}")
    } else {
        let lasts = (expires - now as f64) / 86_400.0;
        format!("The token expires in {lasts:.0} days (`exp`); here it may be {days} at most.")
    })
}

/// The first claim that is not as it should be.
fn claim(claims: &Value) -> String {
    let Some(object) = claims.as_object() else { return "The token's claims are no JSON object.".into() };
    if let Some(name) = ["sub", "role", "aud", "exp"].iter().find(|name| !object.contains_key(**name)) {
        return format!("The token has no `{name}`.");
    }
    if claims["role"].as_str().is_none_or(|role| role.parse::<Role>().is_err()) {
        let roles: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        return format!("The token's `role` must be one of: {}.", roles.join(", "));
    }
    if claims["aud"] != AUDIENCE {
        return format!("The token's audience (`aud`) must be `{AUDIENCE}`, one text.");
    }
    for name in ["exp", "nbf"] {
        if object.get(name).is_some_and(|value| value.as_f64().is_none_or(|seconds| seconds < 0.0)) {
            return format!("The token's `{name}` must be a number: Unix seconds.");
        }
    }
    if object.contains_key("tenant_ids") {
        return "The token's `tenant_ids` must be a list of tenants' ids, such as `ten_…`.".into();
    }
    "The token's claims cannot be read: each is there once, `sub` is a text.".into()
}
