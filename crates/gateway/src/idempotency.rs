//! Answers that are given again: under one key, one subject gets one effect and one answer for 24 hours.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    app::App,
    auth::Command,
    http::request,
    metrics,
    problem::{Code, Problem},
    store::answers,
};

const HEADER: &str = "idempotency-key";
/// Says that an answer was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
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

/// A complete answer, made before anything is written, so that it can be kept by the statement that accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    /// Where its progress is seen.
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer with a JSON body, and the place where its progress is seen.
    pub fn json(status: StatusCode, location: String, body: &impl serde::Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|_| Problem::new(Code::Internal))?;
        Ok(Self { status, location: Some(location), body })
    }

    /// An answer with a JSON body to something that is done with it.
    pub fn done(body: &impl serde::Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|_| Problem::new(Code::Internal))?;
        Ok(Self { status: StatusCode::OK, location: None, body })
    }

    fn replayed(self) -> Response {
        let mut answer = self.into_response();
        answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        answer
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let location = self.location.map(|location| [(header::LOCATION, location)]);
        (self.status, [(header::CONTENT_TYPE, "application/json")], location, self.body).into_response()
    }
}

/// The answer kept under this command's key, if it has one and there is one.
pub async fn stored_answer<A, T>(app: &App, command: &Command<A, T>) -> Result<Option<Response>, Problem> {
    Ok(kept_answer(app, command).await?.map(Answer::replayed))
}

/// The same before it is written out, for what is kept in other words than it is answered.
pub async fn kept_answer<A, T>(app: &App, command: &Command<A, T>) -> Result<Option<Answer>, Problem> {
    let Some(key) = command.key() else { return Ok(None) };
    let kept = answers::find(&app.statements, command.identity().subject(), key.as_str()).await?;
    match kept {
        None => Ok(None),
        Some(kept) if kept.request_digest == command.digest().as_bytes() => {
            metrics::replayed();
            Ok(Some(kept.answer))
        }
        Some(_) => Err(Problem::new(Code::IdempotencyKeyReused).detail(REUSED)),
    }
}

/// What a command that cannot be done is answered: a repeat gets its first answer, whatever has changed since.
pub async fn repeat_or<A, T>(
    app: &App,
    command: &Command<A, T>,
    problem: Problem,
) -> Result<Response, Problem> {
    stored_answer(app, command).await?.ok_or(problem)
}

#[cfg(test)]
mod tests {
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
