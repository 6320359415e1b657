//! What a caller is told when the answer is no: RFC 9457 problem documents, all made here.
//!
//! A [`Problem`] leaves its handler as a bare status with the problem attached; the outermost layer writes the body,
//! because it alone knows the trace id. Whatever else answers with an error (the router, a limit) becomes one there too.

mod code;
mod document;
mod pointer;

use std::fmt;

use axum::response::{IntoResponse, Response};
use common::error::{Classify, Kind, chain};
use http::{HeaderName, HeaderValue, StatusCode, header};

pub use code::Code;
pub use document::{FieldError, ProblemDocument};
pub use pointer::Pointer;

/// Long enough for a failover of the database or a reconnect, short enough that nobody gives up.
const RETRY_AFTER_SECONDS: u64 = 2;

/// A refusal, or a failure told in public words.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a handler that may refuse returns.
pub type Answered<T> = Result<T, Problem>;

impl Problem {
    /// A problem with its usual explanation.
    pub fn new(code: Code) -> Self {
        Self { code, detail: code.title().to_owned(), errors: Vec::new(), headers: Vec::new() }
    }

    /// The request has these fields wrong.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "One field is not valid.".to_owned(),
            n => format!("{n} fields are not valid."),
        };
        Self { errors, ..Self::new(Code::InvalidFields).detail(detail) }
    }

    /// Explains this very case. Public text: no cause, no address, no secret.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Names the field that is the cause.
    #[must_use]
    pub fn at(mut self, pointer: Pointer) -> Self {
        self.errors.push(FieldError::new(pointer, self.code.as_str(), self.detail.clone()));
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What this is about.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What it means in this case.
    pub fn explanation(&self) -> &str {
        &self.detail
    }

    /// When to come back, where that can help.
    pub fn retry_after_seconds(&self) -> u64 {
        let said = self.headers.iter().find(|(name, _)| *name == header::RETRY_AFTER);
        let seconds = said.and_then(|(_, value)| value.to_str().ok()?.parse().ok());
        seconds.unwrap_or(RETRY_AFTER_SECONDS)
    }

    /// Every field that is wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The problem that a bare error status stands for.
    pub fn of_status(status: StatusCode) -> Self {
        Self::new(Code::of_status(status))
    }

    /// The whole answer.
    pub fn render(&self, status: StatusCode, trace_id: &str) -> Response {
        let document = ProblemDocument::new(self.code, status, &self.detail, &self.errors, trace_id);
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut answer =
            (status, [(header::CONTENT_TYPE, ProblemDocument::MEDIA_TYPE)], body).into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        answer
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

/// The one way from an error to an answer. Logged here, since nobody further out sees the cause.
impl<E: Classify> From<E> for Problem {
    fn from(error: E) -> Self {
        let kind = error.kind();
        match kind {
            Kind::Internal => {
                tracing::error!(error = chain(&error), error.kind = kind.as_str(), "a request failed")
            }
            Kind::Unavailable | Kind::Timeout | Kind::Upstream => {
                tracing::warn!(
                    error = chain(&error),
                    error.kind = kind.as_str(),
                    "a dependency failed a request"
                );
            }
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Throttled => {}
        }
        Self::new(Code::of_kind(kind)).detail(error.public_detail())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = self.code.status().into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}
