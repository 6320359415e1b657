//! What callers get in place of a tenant: that it is not ready and when to come back, that it is suspended, or being restored. Senders of webhooks come
//! again after a 503, and take a 404 for the last word.

mod page;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use edge::{StandIn, document::STAND_IN_HEADER, held::MOST_BODY};
use http_body_util::BodyExt as _;

use crate::{
    hold::{Holder, is_too_long},
    metrics,
};
use page::Page;

/// So much of a request is taken before it is answered: a proxy that is still sending when the connection closes reports an
/// error of its own. n8n takes as much in one request.
const TAKEN: usize = MOST_BODY;
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// The same of what is refused for its length.
const TAKEN_TOO_LONG: usize = 4 * MOST_BODY;

/// The pages, whatever is asked for; where calls are held, for all but those.
pub fn page(holder: Option<Holder>) -> Router {
    Router::new().fallback(answer).with_state(holder)
}

async fn answer(State(holder): State<Option<Holder>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let stands_in_for = headers.get(STAND_IN_HEADER).and_then(|word| StandIn::from_word(word.to_str().ok()?));
    if holder.is_some() && is_too_long(&parts) {
        let _ = tokio::time::timeout(TAKEN_WITHIN, take(body, TAKEN_TOO_LONG)).await;
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let body = match &holder {
        Some(holder) => match holder.hold(&parts, body).await {
            Ok(held) => return held,
            Err(body) => body,
        },
        None => body,
    };
    metrics::answered(stands_in_for);
    // Whatever became of it, the answer is the same.
    let _ = tokio::time::timeout(TAKEN_WITHIN, take(body, TAKEN)).await;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let page = Page::of(stands_in_for);
    let (kind, text) = page.form(accepted);
    let named = [
        (header::RETRY_AFTER, HeaderValue::from_static(page.retry_after)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, named, [page.named], text).into_response()
}

async fn take(mut body: Body, most: usize) {
    let mut taken = 0;
    while let Some(Ok(frame)) = body.frame().await {
        taken += frame.data_ref().map_or(0, |data| data.len());
        if taken > most {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use edge::document::WAITING_HEADER;
    use tower::ServiceExt as _;

    use super::*;

    const FORMS: [(&str, &str); 3] = [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("application/json, text/plain, */*", "application/problem+json"),
        ("*/*", "text/plain; charset=utf-8"),
    ];

    async fn ask(accept: &str, stand_in: &str) -> Response {
        let request = Request::post("/webhook/x").header("accept", accept).header(STAND_IN_HEADER, stand_in);
        page(None).oneshot(request.body(Body::from("x")).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn whoever_asks_is_told_when_to_come_back_in_a_form_they_read() {
        for (accept, kind) in FORMS {
            for (stand_in, retry_after) in
                [("", "5"), ("nobody", "5"), ("waiting", "5"), ("suspended", "300"), ("restoring", "30")]
            {
                let answer = ask(accept, stand_in).await;
                assert_eq!(answer.status(), 503);
                let expected =
                    [("retry-after", retry_after), ("content-type", kind), ("cache-control", "no-store")];
                for (name, value) in expected {
                    assert_eq!(answer.headers()[name], value, "{accept} {stand_in}");
                }
            }
        }
    }

    /// The edge is asked through the same answers: what only waits must not pass for what was asked for, nor the other way round.
    #[tokio::test]
    async fn who_is_suspended_or_restored_does_not_look_like_who_is_starting() {
        for (accept, _) in FORMS {
            assert!(ask(accept, "").await.headers().contains_key(WAITING_HEADER));
            for (stand_in, said) in
                [("suspended", "suspended"), ("restoring", "being restored"), ("waiting", "is starting")]
            {
                let answer = ask(accept, stand_in).await;
                assert!(!answer.headers().contains_key(WAITING_HEADER));
                assert_eq!(answer.headers()[STAND_IN_HEADER], stand_in);
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                assert!(String::from_utf8_lossy(&body).contains(said), "{accept}");
            }
        }
    }
}
