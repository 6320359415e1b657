//! Requests as callers send them, and answers as they read them.

use axum::{body::Body, response::Response};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Claims, HMAC_SECRET};

/// A request being written.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    fn new(method: Method, target: &str) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(target: &str) -> Self {
        Self::new(Method::GET, target)
    }

    pub fn post(target: &str, body: &Value) -> Self {
        Self::new(Method::POST, target).body(body.to_string()).header("content-type", "application/json")
    }

    pub fn delete(target: &str) -> Self {
        Self::new(Method::DELETE, target)
    }

    pub fn with(method: &str, target: &str) -> Self {
        Self::new(method.parse().unwrap(), target)
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// From this caller.
    pub fn by(self, claims: &Claims) -> Self {
        self.header("authorization", format!("Bearer {}", claims.sign()))
    }

    /// From somebody with this role.
    pub fn by_a(self, role: &str) -> Self {
        self.by(&Claims::of(role))
    }

    /// Signed the way our own clients do. Called last: it covers everything before.
    pub fn signed(self) -> Self {
        self.signed_at(0)
    }

    /// Signed so many seconds from now.
    pub fn signed_at(self, seconds: i64) -> Self {
        self.signed_with(HMAC_SECRET, seconds)
    }

    /// From whoever has this key, signed with it. Called last, as `signed`.
    pub fn by_key(self, key: &str) -> Self {
        self.bearing(key).signed_with(key, 0)
    }

    /// From whoever has this token or key.
    pub fn bearing(self, text: &str) -> Self {
        self.header("authorization", format!("Bearer {text}"))
    }

    /// The same with this secret.
    pub fn signed_with(self, secret: &str, seconds: i64) -> Self {
        let timestamp = Claims::in_seconds(seconds).to_string();
        let key = self.headers.iter().find(|(name, _)| name == "idempotency-key");
        let key = key.map(|(_, key)| key.clone()).unwrap_or_default();
        let body = hex::encode(Sha256::digest(&self.body));
        let message = [&timestamp, self.method.as_str(), &self.target, &body, &key].join("\n");
        let signature = format!("v2={}", sign(secret, message.as_bytes()));
        self.header("x-rp9-timestamp", timestamp).header("x-rp9-signature", signature)
    }

    /// Signed the old way, over time and body alone.
    pub fn signed_unbound(self, secret: &str, seconds: i64) -> Self {
        let timestamp = Claims::in_seconds(seconds).to_string();
        let signature = sign(secret, &[timestamp.as_bytes(), b"\n", &self.body].concat());
        self.header("x-rp9-timestamp", timestamp).header("x-rp9-signature", signature)
    }

    /// What nobody but its receiver may learn of it: its token and its signature.
    pub fn secrets(&self) -> Vec<String> {
        let secret = |name: &str| matches!(name, "authorization" | "x-rp9-signature");
        let values = self.headers.iter().filter(|(name, _)| secret(name)).map(|(_, value)| value.as_str());
        values.map(|value| value.trim_start_matches("Bearer ").trim_start_matches("v2=").to_owned()).collect()
    }

    /// The request.
    pub fn build(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body)).unwrap()
    }
}

fn sign(secret: &str, message: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(message);
    hex::encode(mac.finalize().into_bytes())
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub async fn read(response: Response) -> Self {
        Self::try_read(response).await.expect("the answer is whole")
    }

    /// The same, if it has an end.
    pub async fn try_read(response: Response) -> Option<Self> {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.ok()?.to_vec();
        Some(Self { status: parts.status, headers: parts.headers, body })
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Checks that it is this problem, and a well-formed one.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert_eq!(problem["type"], format!("urn:rp9:problem:{code}"));
        assert_eq!(problem["status"], status);
        for name in ["title", "detail", "trace_id"] {
            assert!(problem[name].as_str().is_some_and(|text| !text.is_empty()), "{name} in {problem}");
        }
        problem
    }

    /// The places and reasons a problem names.
    pub fn field_errors(&self) -> Vec<(String, String)> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
        errors.iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
    }
}
