//! What the API says when it will not, and what can be done about it.

use reqwest::StatusCode;
use serde::Deserialize;

/// So much of an answer that is no problem document is shown.
const EXCERPT: usize = 200;

/// An answer other than success.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    pub problem: Problem,
    /// As it came.
    pub body: Vec<u8>,
}

/// `application/problem+json`, as far as it is told to people.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// Empty if the answer was something else, a proxy's page for example.
    pub code: String,
    pub title: String,
    pub detail: String,
    pub trace_id: String,
    pub errors: Vec<FieldError>,
}

/// One field that is wrong.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FieldError {
    pub pointer: String,
    pub detail: String,
}

impl Refusal {
    /// Reads an answer, whatever it is.
    pub fn read(status: StatusCode, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Problem>(body).ok().filter(|problem| !problem.code.is_empty());
        let problem = problem.unwrap_or_else(|| {
            let said: String = String::from_utf8_lossy(body).chars().take(EXCERPT).collect();
            Problem { detail: said.trim().to_owned(), ..Problem::default() }
        });
        Self { status, problem, body: body.to_vec() }
    }

    /// The problem document for scripts, if it is one.
    pub fn document(&self) -> Option<&[u8]> {
        Some(self.body.as_slice()).filter(|_| !self.problem.code.is_empty())
    }

    /// What happened, line by line.
    pub fn lines(&self) -> Vec<String> {
        let Problem { code, title, detail, trace_id, errors } = &self.problem;
        let said = [detail, title].into_iter().find(|text| !text.is_empty());
        let said = said.map_or_else(|| format!("HTTP {}", self.status), Clone::clone);
        let mut lines = vec![match code.as_str() {
            "" => format!(
                "{said} (HTTP {}, not a problem of the API's: is there something in front of it?)",
                self.status.as_u16()
            ),
            code => format!("{said} ({} {code})", self.status.as_u16()),
        }];
        let width = errors.iter().map(|error| error.pointer.chars().count()).max().unwrap_or_default();
        lines.extend(
            errors.iter().map(|FieldError { pointer, detail }| format!("  {pointer:width$}  {detail}")),
        );
        if !trace_id.is_empty() {
            lines.push(format!("  trace id: {trace_id}"));
        }
        lines
    }

    /// What to do next, where there is something.
    pub fn advice(&self) -> Option<&'static str> {
        if self.status.is_redirection() {
            return Some(
                "The address leads elsewhere: name the one it leads to in the profile (`rp9 profiles list`).",
            );
        }
        Some(match self.problem.code.as_str() {
            "token_missing" | "token_invalid" | "unauthenticated" => {
                "Is this the right profile, with this gateway's key? `rp9 profiles list`"
            }
            "token_expired" => {
                "Put a new token where the profile reads it, or let rp9 make its own (`jwt-secret-file`)."
            }
            "signature_missing" => {
                "The profile has no key to sign with: `rp9 profiles set NAME --hmac-secret-file FILE`"
            }
            "signature_invalid" => {
                "Is this the right profile, with this gateway's signing key? `rp9 profiles list`"
            }
            "signature_expired" => "Set this machine's clock.",
            "forbidden" => {
                "Somebody with another role may, or a key with that scope (`rp9 keys create --scope`); `rp9 profiles list` shows as whom this profile acts."
            }
            "not_found" => "See what there is: `rp9 tenants list`, or the `list` of what was named.",
            "tenant_deleted" => "It is gone already: `rp9 tenants list --status deleted`",
            "subdomain_taken" => "Whose is it? `rp9 tenants list --q NAME`",
            "plan_too_large" | "no_room" | "compliance_unmet" => {
                "See what is offered and what is up: `rp9 plans`, `rp9 health`"
            }
            "operation_stuck" => "A person decides: `rp9 operations show ID`, then `resume` or `abandon`.",
            "operation_not_stuck"
            | "operation_over"
            | "operation_undoing"
            | "operation_irrevocable"
            | "removal_under_way" => "See how far it is: `rp9 operations list`, `rp9 operations show ID`",
            "dead_letter_decided" => "Somebody was quicker: `rp9 dead-letters show ID`",
            "idempotency_key_reused" => "That key belongs to another request: leave --idempotency-key out.",
            "internal" => "Tell those who run the gateway, with the trace id: it is in their log.",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::read(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn every_field_and_the_trace_are_told() {
        let body = r#"{"code":"invalid_fields","title":"Invalid fields","detail":"Two fields are not valid.","trace_id":"4bf9",
            "errors":[{"pointer":"/plan","code":"unknown","detail":"there is no such plan"},{"pointer":"/subdomain","detail":"too short"}]}"#;
        assert_eq!(
            refusal(422, body).lines(),
            [
                "Two fields are not valid. (422 invalid_fields)",
                "  /plan       there is no such plan",
                "  /subdomain  too short",
                "  trace id: 4bf9",
            ]
        );
    }

    #[test]
    fn what_is_no_problem_document_is_shown_as_it_came() {
        let [line] = refusal(502, "<h1>Bad Gateway</h1>\n").lines().try_into().unwrap();
        assert!(line.starts_with("<h1>Bad Gateway</h1> (HTTP 502,"), "{line}");
        let long = refusal(502, &"x".repeat(10_000)).lines().concat();
        assert!(long.len() < 400, "{long}");
        assert_eq!(refusal(500, "null").problem.code, "");
    }

    #[test]
    fn a_redirect_is_not_followed_with_a_signed_request() {
        assert!(refusal(308, "").advice().unwrap().contains("leads elsewhere"));
        assert_eq!(refusal(422, r#"{"code":"invalid_fields"}"#).advice(), None);
    }
}
