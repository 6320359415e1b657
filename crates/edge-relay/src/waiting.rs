//! What callers get while their tenant is not ready: come back in a moment. Senders of webhooks do so after a 503, and take a 404
//! for the last word.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::document::WAITING_HEADER;
use http_body_util::BodyExt as _;

use crate::metrics;

/// Seconds. An n8n is back after 4 to 20.
const RETRY_AFTER: &str = "5";

/// So much of a request is taken before it is answered: a proxy that is still sending when the connection closes reports an
/// error of its own. n8n takes as much in one request.
const TAKEN: usize = 16 << 20;
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

const HTML: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
<title>Back in a moment</title><h1>Back in a moment</h1><p>This address is starting. The page tries again by itself.</p></html>\n";
const JSON: &str = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
\"detail\":\"This address is starting. Try again in a moment.\"}\n";
const TEXT: &str = "This address is starting. Try again in a moment.\n";

/// The page, whatever is asked for.
pub fn page() -> Router {
    Router::new().fallback(answer)
}

async fn answer(headers: HeaderMap, body: Body) -> Response {
    metrics::waited();
    // Whatever became of it, the answer is the same.
    let _ = tokio::time::timeout(TAKEN_WITHIN, take(body)).await;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, text) = form(accepted);
    let named = [
        (header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, named, [(WAITING_HEADER, "not-ready")], text).into_response()
}

async fn take(mut body: Body) {
    let mut taken = 0;
    while let Some(Ok(frame)) = body.frame().await {
        taken += frame.data_ref().map_or(0, |data| data.len());
        if taken > TAKEN {
            return;
        }
    }
}

/// Content type and text, for what the caller accepts. Browsers name HTML; programs name JSON or nothing.
fn form(accepted: &str) -> (&'static str, &'static str) {
    if accepted.contains("text/html") {
        ("text/html; charset=utf-8", HTML)
    } else if accepted.contains("json") {
        ("application/problem+json", JSON)
    } else {
        ("text/plain; charset=utf-8", TEXT)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn whoever_asks_is_told_when_to_come_back_in_a_form_they_read() {
        let cases = [
            ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
            ("application/json, text/plain, */*", "application/problem+json"),
            ("*/*", "text/plain; charset=utf-8"),
        ];
        for (accept, kind) in cases {
            let request = Request::post("/webhook/x").header("accept", accept).body(Body::from("x")).unwrap();
            let answer = page().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 503);
            for (name, value) in [("retry-after", "5"), ("content-type", kind), ("cache-control", "no-store")]
            {
                assert_eq!(answer.headers()[name], value, "{accept}");
            }
            assert!(answer.headers().contains_key(WAITING_HEADER));
        }
        serde_json::from_str::<serde_json::Value>(JSON).unwrap();
    }
}
