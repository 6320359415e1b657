//! What a request shows of who it is from.

use http::{HeaderMap, header};

use super::token::invalid;
use crate::problem::{Code, Problem};

/// The text after `Bearer` in the only `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| Problem::new(Code::TokenMissing))?;
    if values.next().is_some() {
        return Err(invalid("The request has more than one `Authorization` header."));
    }
    let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(Problem::new(Code::TokenMissing)) }
}
