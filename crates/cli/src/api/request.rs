//! A request as it will be sent, however often.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;
use url::form_urlencoded;
use uuid::Uuid;

/// What a segment of a path may hold as it is (RFC 3986, "unreserved").
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request. Its bytes and its key stay the same from one attempt to the next, so that it is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub body: Option<Vec<u8>>,
    pub idempotency_key: Option<String>,
}

impl Request {
    /// Looks.
    pub fn get(target: impl Into<String>) -> Self {
        Self { method: Method::GET, target: target.into(), body: None, idempotency_key: None }
    }

    /// Changes something, under the caller's key or one of its own.
    pub fn change(method: Method, target: impl Into<String>, key: Option<String>) -> Self {
        let idempotency_key = Some(key.unwrap_or_else(|| Uuid::now_v7().to_string()));
        Self { method, target: target.into(), body: None, idempotency_key }
    }

    /// With this JSON. Fields that are not there are left out by whoever describes it.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.body = Some(serde_json::to_vec(body)?);
        Ok(self)
    }
}

/// A path of these segments, whatever is in them.
pub fn path(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, SEGMENT))).collect()
}

/// The same with a query of what is said.
pub fn with_query(path: &str, pairs: &[(&str, Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_typed_stays_one_segment() {
        assert_eq!(path(&["tenants", "acme", "logs"]), "/tenants/acme/logs");
        assert_eq!(path(&["schedules", "a/b?c ü"]), "/schedules/a%2Fb%3Fc%20%C3%BC");
    }

    #[test]
    fn only_what_is_said_is_asked() {
        let pairs = [("q", Some("a&b c".to_owned())), ("plan", None)];
        assert_eq!(with_query("/tenants", &pairs), "/tenants?q=a%26b+c");
        assert_eq!(with_query("/tenants", &[("plan", None)]), "/tenants");
    }

    #[test]
    fn a_change_has_a_key_and_keeps_the_one_it_was_given() {
        let fresh = || Request::change(Method::POST, "/tenants", None).idempotency_key.unwrap();
        assert_ne!(fresh(), fresh());
        let given = Request::change(Method::POST, "/tenants", Some("mine".into()));
        assert_eq!(given.idempotency_key.as_deref(), Some("mine"));
    }
}
