//! One attempt, and whether another one may fare better.

use std::time::Duration;

use reqwest::{Response, StatusCode, header};

use super::{Refusal, Unreachable};

/// A success.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// The answer to an earlier request with the same key.
    pub replayed: bool,
    pub body: Vec<u8>,
}

/// Why an attempt came to nothing.
#[derive(Debug)]
pub enum Trouble {
    /// There was no answer.
    Unreachable(Unreachable),
    /// An answer that says: not now.
    Busy { refusal: Box<Refusal>, retry_after: Option<Duration> },
    /// An answer that will be the same again.
    Refused(Box<Refusal>),
}

impl Trouble {
    /// No answer, or half of one.
    pub fn unreachable(error: reqwest::Error) -> Self {
        Self::Unreachable(Unreachable::of(&error))
    }

    /// Whether waiting may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(unreachable) => unreachable.is_passing(),
            Self::Busy { .. } => true,
            Self::Refused(_) => false,
        }
    }

    /// How long the API asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Refused(_) => None,
        }
    }

    /// In a line, for those who wait.
    pub fn line(&self) -> String {
        match self {
            Self::Unreachable(unreachable) => format!("No answer: {unreachable}"),
            Self::Busy { refusal, .. } | Self::Refused(refusal) => {
                refusal.lines().into_iter().next().unwrap_or_default()
            }
        }
    }
}

/// The answer as it is, or why it is none to go on with.
pub async fn read(response: Response) -> Result<Answer, Trouble> {
    let status = response.status();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let replayed = header("idempotency-replayed").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    // Of its two forms the API sends seconds.
    let retry_after = header(header::RETRY_AFTER.as_str()).and_then(|value| value.parse().ok());
    let body = response.bytes().await.map_err(Trouble::unreachable)?;
    if status.is_success() {
        return Ok(Answer { status, replayed, body: body.into() });
    }
    let refusal = Box::new(Refusal::read(status, &body));
    Err(if passes(status, &refusal.problem.code) {
        Trouble::Busy { refusal, retry_after: retry_after.map(Duration::from_secs) }
    } else {
        Trouble::Refused(refusal)
    })
}

/// Whether it is a matter of time. 502 and 504 are also a proxy's words for a gateway that restarts.
fn passes(status: StatusCode, code: &str) -> bool {
    let passing = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
        StatusCode::REQUEST_TIMEOUT,
    ];
    // Each attempt is signed anew, which is all that a signature that an answer nobody got used up asks for.
    passing.contains(&status) || ["request_in_flight", "signature_repeated"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_mends_is_tried_again_and_nothing_else() {
        for (status, code, expected) in [
            (429, "throttled", true),
            (503, "overloaded", true),
            (502, "upstream", true),
            (504, "", true),
            (408, "request_timeout", true),
            (409, "request_in_flight", true),
            (401, "signature_repeated", true),
            (409, "operation_over", false),
            (401, "token_expired", false),
            (422, "invalid_fields", false),
            (500, "internal", false),
        ] {
            assert_eq!(passes(StatusCode::from_u16(status).unwrap(), code), expected, "{status} {code}");
        }
    }
}
