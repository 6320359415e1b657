//! Bodies that say why, and nothing else.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    http::fields::Fields,
    problem::{Code, Problem},
    tenants::words,
};

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub struct ReasonBody {
    /// For those who read the audit log; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "The customer asked for it.")]
    reason: String,
}

/// The same where nobody has to say.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub struct OptionalReasonBody {
    /// For those who read the audit log; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "The customer asked for it.")]
    reason: Option<String>,
}

/// The reason a body gives, which it must.
pub fn reason(body: &[u8]) -> Result<String, Problem> {
    let mut fields = Fields::of_body(body)?;
    let reason = fields.required("reason", words::reason);
    fields.finish()?;
    // Whatever is missing was told by `finish`.
    reason.ok_or_else(|| Problem::new(Code::InvalidFields))
}

/// The reason a body gives, if it gives one.
pub fn optional_reason(body: &[u8]) -> Result<Option<String>, Problem> {
    let mut fields = Fields::of_body(body)?;
    let reason = fields.optional("reason", words::reason);
    fields.finish()?;
    Ok(reason.flatten())
}
