//! Answers that are given again: under one key, one subject gets one effect and one answer for 24 hours.

mod answer;
mod repeats;

use common::database::Statements;
use http::{HeaderMap, Method, Uri};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    http::request,
    metrics,
    problem::{Code, Problem},
    store::answers,
};

pub use answer::{Answer, REPLAYED};
pub use repeats::Repeats;

const HEADER: &str = "idempotency-key";
const MAX_KEY: usize = 255;
const REUSED: &str = "This idempotency key belongs to a request with another method, path, query or body. Bodies are compared byte by byte: \
     the same values in another order, or with other spaces, are another body. Send the very bytes again, or use another key.";

/// The name a caller gave to a request, so that sending it twice does it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The request's key, if it has one.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let printable = value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(text) if printable && (1..=MAX_KEY).contains(&text.len()) && values.next().is_none() => {
                Ok(Some(Self(text.to_owned())))
            }
            _ => Err(Problem::new(Code::InvalidRequest)
                .detail("Idempotency-Key must be one value of 1 to 255 visible ASCII characters.")),
        }
    }

    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let visible =
            json!({ "type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$" });
        request::header(HEADER, "Sent twice, done once", visible)
    }
}

/// What two requests under one key must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestDigest([u8; 32]);

impl RequestDigest {
    /// Over method, path, query and body.
    pub fn of(method: &Method, uri: &Uri, body: &[u8]) -> Self {
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        // Neither method nor target can hold a line feed, so the parts cannot run into each other.
        let head = format!("{method}\n{target}\n");
        Self(Sha256::new().chain_update(head).chain_update(body).finalize().into())
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The answer kept for this subject under this key, if there is one: to this very request, or the key is refused.
pub async fn kept_answer(
    statements: &Statements,
    subject: &str,
    key: &IdempotencyKey,
    digest: &RequestDigest,
) -> Result<Option<Answer>, Problem> {
    match answers::find(statements, subject, key.as_str()).await? {
        None => Ok(None),
        Some(kept) if kept.request_digest == digest.as_bytes() => {
            metrics::replayed();
            Ok(Some(kept.answer))
        }
        Some(_) => Err(Problem::new(Code::IdempotencyKeyReused).detail(REUSED)),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn key(values: &[&str]) -> Result<Option<IdempotencyKey>, Code> {
        let pairs =
            values.iter().map(|v| (HeaderName::from_static(HEADER), HeaderValue::from_str(v).unwrap()));
        IdempotencyKey::of(&pairs.collect()).map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_is_optional_and_if_there_it_is_one_printable_value() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["a-1"]).unwrap().unwrap().as_str(), "a-1");
        for bad in [&["", ""][..], &["a", "b"], &["two words"], &[&"x".repeat(256)], &[""]] {
            assert_eq!(key(bad), Err(Code::InvalidRequest), "{bad:?}");
        }
    }

    #[test]
    fn every_part_of_a_request_changes_its_digest() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let base = RequestDigest::of(&Method::POST, &uri("/tenants"), b"{}");
        let others = [
            RequestDigest::of(&Method::DELETE, &uri("/tenants"), b"{}"),
            RequestDigest::of(&Method::POST, &uri("/tenants?a"), b"{}"),
            RequestDigest::of(&Method::POST, &uri("/tenants"), b"{} "),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
