//! An answer that can be given again.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::problem::{Code, Problem};

/// Says that an answer was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

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

    /// It once more, marked as such.
    pub fn replayed(self) -> Response {
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
