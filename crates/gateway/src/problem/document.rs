//! The problem as it is written.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Code, Pointer};
use crate::vocabulary;

/// An error, as RFC 9457 wants it told.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument<'a> {
    /// `urn:rp9:problem:<code>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:rp9:problem:subdomain_taken")]
    kind: String,
    /// The stable word to branch on.
    #[schema(value_type = vocabulary::ProblemCode)]
    code: &'a str,
    /// What the code means.
    title: &'a str,
    status: u16,
    /// What it means here.
    detail: &'a str,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    /// Quote it when asking for help.
    trace_id: &'a str,
}

impl<'a> ProblemDocument<'a> {
    /// The content type of problems.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    pub(super) fn new(
        code: Code,
        status: StatusCode,
        detail: &'a str,
        errors: &'a [FieldError],
        trace_id: &'a str,
    ) -> Self {
        Self {
            kind: format!("urn:rp9:problem:{}", code.as_str()),
            code: code.as_str(),
            title: code.title(),
            status: status.as_u16(),
            detail,
            errors,
            trace_id,
        }
    }
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the body, or into the query read as an object.
    #[schema(value_type = String, example = "/subdomain")]
    pointer: Pointer,
    /// Why, as a stable word.
    code: &'static str,
    /// Why, in words.
    detail: String,
}

impl FieldError {
    /// An error at a place.
    pub fn new(pointer: Pointer, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer, code, detail: detail.into() }
    }
}
