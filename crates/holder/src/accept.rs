//! The holder's port: the edge sends what would have been answered with its page, and gets what the caller is answered.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use common::{error::chain, id::TenantId};
use edge::{
    EdgeToken,
    held::{MOST_BODY, NOT_HELD, TOKEN_HEADER, is_held},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use sqlx::PgPool;
use tokio::{sync::Semaphore, time::timeout};
use uuid::Uuid;

use crate::{
    bounds::{Bounds, Full},
    call::{Call, Headers, host_of},
    metrics,
    send::Sender,
    store::{self, Answer, Called, End},
    waiters::Waiters,
};

/// What callers are told of a call that is held: with it they ask what became of it.
pub const RECEIPT_HEADER: &str = "x-rp9-receipt";

/// A whole call has this long to arrive; the edge in front has taken it already.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);

/// So many MiB of bodies are here at once, on their way into the record: each takes up three times as much until it is there. Whoever comes then waits for
/// room, and not for long.
pub(crate) const MEMORY_MIB: usize = 48;
const ROOM_WITHIN: Duration = Duration::from_secs(10);
const MIB: usize = 1 << 20;

/// Everything that taking a call needs.
pub struct Holder {
    pub record: PgPool,
    pub token: EdgeToken,
    pub bounds: Bounds,
    pub waiters: Waiters,
    pub sender: Sender,
    /// In MiB ([`MEMORY_MIB`]).
    pub memory: Semaphore,
    /// How long a caller waits for n8n's answer.
    pub waits: Duration,
}

/// The port.
pub fn router(holder: Arc<Holder>) -> Router {
    Router::new().fallback(take).with_state(holder)
}

async fn take(State(holder): State<Arc<Holder>>, request: Request) -> Response {
    let shown = request.headers().get(TOKEN_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if !holder.token.is_shown_by(shown) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match holder.keep(request).await {
        // Nobody would wait for long enough.
        Ok((receipt, called)) if called.rests => held(receipt),
        Ok((receipt, called)) => holder.answer(receipt, called.tenant).await,
        Err(refused) => refused,
    }
}

impl Holder {
    /// What was sent is here for no longer than it takes to be in the record.
    async fn keep(&self, request: Request) -> Result<(Uuid, Called), Response> {
        let (parts, body) = request.into_parts();
        let host = host_of(&parts.headers, &parts.uri).ok_or_else(not_held)?;
        let target = parts.uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default();
        // What could not be sent on as it came is better sent again by whoever sent it.
        if !is_held(parts.uri.path()) || self.sender.url(host.as_str(), &target).is_none() {
            return Err(not_held());
        }
        let called = store::called(&self.record, host.as_str(), parts.uri.path()).await;
        let called = called.map_err(|error| away(&error))?;
        let called = called.filter(|called| called.holds_at_rest || !called.rests).ok_or_else(not_held)?;
        let room = timeout(ROOM_WITHIN, self.memory.acquire_many(mib_of(&parts.headers))).await;
        let _room = room.map_err(|_| full(Full::Everybody))?.map_err(|_| not_held())?;
        let body = timeout(ARRIVES_WITHIN, to_bytes(body, MOST_BODY)).await.map_err(|_| not_held())?;
        let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
        let call = Call { host, method: parts.method, target, headers: Headers::of(&parts.headers), body };
        Ok((self.hold(&call, called.tenant).await?, called))
    }

    /// It is in the record before anybody is told so.
    async fn hold(&self, call: &Call, tenant: TenantId) -> Result<Uuid, Response> {
        let bytes = u64::try_from(call.body.len()).unwrap_or(u64::MAX);
        self.bounds.take(tenant, bytes).map_err(full)?;
        // Whoever knows it may ask: it says when it was made, and nothing that could be guessed.
        let receipt = Uuid::new_v4();
        store::hold(&self.record, (receipt, tenant), call).await.map_err(|error| away(&error))?;
        metrics::taken();
        Ok(receipt)
    }

    async fn answer(&self, receipt: Uuid, tenant: TenantId) -> Response {
        let Some(mut waiting) = self.waiters.wait(receipt, tenant) else { return held(receipt) };
        match timeout(self.waits, waiting.end()).await {
            Ok(Some(End::Delivered(Some(answer)))) => n8ns(answer, receipt),
            Ok(Some(End::Dead)) => dead(receipt),
            Ok(Some(End::Delivered(None)) | None) | Err(_) => held(receipt),
        }
    }
}

/// What it may take up, in MiB: as long as a body may be where nobody says how long it is.
fn mib_of(headers: &HeaderMap) -> u32 {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = said.unwrap_or(MOST_BODY).min(MOST_BODY);
    u32::try_from(bytes / MIB + 1).unwrap_or(1)
}

fn not_held() -> Response {
    NOT_HELD.into_response()
}

fn held(receipt: Uuid) -> Response {
    let told = json!({ "status": "held", "receipt": receipt.to_string(),
        "detail": "The call is kept, and runs as soon as this address is back." });
    (StatusCode::ACCEPTED, told_by(receipt), Json(told)).into_response()
}

fn dead(receipt: Uuid) -> Response {
    let detail = "The call was kept, and could not be delivered. Whoever runs this address decides what becomes of it.";
    let told = json!({ "type": "about:blank", "title": "Bad Gateway", "status": 502, "detail": detail, "receipt": receipt.to_string() });
    (StatusCode::BAD_GATEWAY, told_by(receipt), Json(told)).into_response()
}

/// What n8n said, as it said it. A body that was too long is not made up.
fn n8ns(answer: Answer, receipt: Uuid) -> Response {
    let Some(body) = answer.body else { return held(receipt) };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers.to_map();
    let [(name, value)] = told_by(receipt);
    response.headers_mut().insert(name, value);
    response
}

fn told_by(receipt: Uuid) -> [(&'static str, HeaderValue); 1] {
    [(RECEIPT_HEADER, HeaderValue::from_str(&receipt.to_string()).unwrap_or(HeaderValue::from_static("")))]
}

fn full(full: Full) -> Response {
    metrics::refused(full);
    let detail = match full {
        Full::Calls | Full::Bytes => "This address is not ready, and keeps no more calls. Try again later.",
        Full::Everybody => "No more calls are kept at this moment. Try again later.",
    };
    let told =
        json!({ "type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail });
    let named = HeaderMap::from_iter([
        (header::RETRY_AFTER, HeaderValue::from_static("30")),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
    ]);
    (StatusCode::SERVICE_UNAVAILABLE, named, told.to_string()).into_response()
}

/// Nothing is promised that is not in the record.
fn away(error: &sqlx::Error) -> Response {
    tracing::warn!(error = chain(error), "a call is not held");
    not_held()
}
