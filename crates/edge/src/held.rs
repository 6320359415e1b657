//! What the relay and the holder have agreed on: which calls may be held, and the words between the two.

use reqwest::StatusCode;

/// What the relay shows to the holder, since `Authorization` is the caller's.
pub const TOKEN_HEADER: &str = "x-rp9-edge-token";

/// In each call that was held: how often it was sent, so that who sees a second one can tell. The relay has no such call held again.
pub const DELIVERY_HEADER: &str = "rp9-delivery";

/// What n8n takes of one call when nobody has told it otherwise, and what is held of one.
pub const MOST_BODY: usize = 16 << 20;

/// The holder's answer to a call that is not for it: the relay shows its page.
pub const NOT_HELD: StatusCode = StatusCode::MISDIRECTED_REQUEST;

/// The first words of paths whose calls are held, beside those of executions that wait.
const HELD: [&str; 3] = ["webhook", "form", "mcp"];
const WAITING: [&str; 2] = ["webhook-waiting", "form-waiting"];

/// Whether calls of this path are worth keeping: what runs a workflow. A page of the editor is asked for again, and what is only tried is being looked
/// at by whoever tries it.
pub fn is_held(path: &str) -> bool {
    let first = first_word(path);
    HELD.contains(&first.as_str()) || WAITING.iter().any(|word| first.strip_prefix(word).is_some_and(is_end))
}

/// Whether this is where a form is: its page is got there, and what was written into it is sent there.
pub fn is_form(path: &str) -> bool {
    first_word(path).strip_prefix("form").is_some_and(is_end)
}

fn first_word(path: &str) -> String {
    path.trim_start_matches('/').split('/').next().unwrap_or_default().to_ascii_lowercase()
}

/// `webhook-waiting`, and `webhook-waiting-slack`.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_a_workflow_is_held() {
        for path in [
            "/webhook/x",
            "//Webhook/x/y",
            "/form/a",
            "/mcp/s",
            "/webhook-waiting/7/abc",
            "/form-waiting/7",
            "/webhook-waiting-slack",
        ] {
            assert!(is_held(path), "{path}");
        }
        for path in [
            "/",
            "/webhook-test/x",
            "/form-test/x",
            "/rest/login",
            "/webhooks/x",
            "/home/webhook/x",
            "/mcp-test/x",
            "/mcp-server",
            "/formx",
        ] {
            assert!(!is_held(path), "{path}");
        }
    }
}
