//! The outermost layer: names the request, follows it, and has the last word on its answer.
//!
//! Here a panic becomes a 500, a slow handler a 503, and every error a problem document; here the request is counted,
//! logged and, if it was a refused command, audited.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::telemetry;
use futures::FutureExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::{Instrument, Span, field::Empty};

use super::{headers, named::named, postponed};
use crate::{
    admission::Admission,
    audit::AuditLog,
    exchange::{CORRELATION, Exchange, TRACE, incoming_traceparent},
    metrics,
    problem::{Code, Problem},
    rates::Rates,
};

/// Everything here is one or two statements; longer work is an operation.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Follows one request from its first to its last byte.
pub async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (method, route) = (request.method().clone(), route_of(&request));
    let span = span(&method, &route);
    if let Some(traceparent) = incoming_traceparent(request.headers()) {
        telemetry::adopt(&span, &traceparent);
    }
    let postpone = postponed::wanted(&route, request.headers());
    let exchange = span.in_scope(|| Exchange::begin(request.headers()));
    span.record("correlation_id", exchange.correlation_id()).record("trace_id", exchange.trace_id());
    if let Some(name) = named(&route, request.uri().path()) {
        exchange.note_named(name);
    }
    request.extensions_mut().insert(exchange.clone());

    let answer = match observer.admit(&request) {
        Ok(()) => guarded(next.run(request)).instrument(span.clone()).await,
        Err(problem) => problem.into_response(),
    };

    let _entered = span.enter();
    let (mut answer, problem) = finished(answer, &exchange, postpone);
    answer.headers_mut().insert(CORRELATION, exchange.correlation_header());
    answer.headers_mut().insert(TRACE, exchange.trace_header());
    answer.headers_mut().insert(NOSNIFF.0, NOSNIFF.1);
    observer.rates.tell(&exchange, answer.headers_mut());
    let ended = Ended { method: &method, route: &route, took: begun.elapsed(), problem: problem.as_ref() };
    ended.report(&answer, &exchange, &span);
    if let Some(problem) = &problem {
        observer.audit_log.note_refused(&exchange, problem.code());
    }
    answer
}

/// What following requests takes.
#[derive(Clone)]
pub struct Observer {
    admission: Arc<Admission>,
    rates: Rates,
    audit_log: AuditLog,
}

impl Observer {
    /// Lets requests in as this admission says, tells callers their limits and notes what was refused.
    pub fn new(admission: Admission, rates: Rates, audit_log: AuditLog) -> Self {
        Self { admission: Arc::new(admission), rates, audit_log }
    }

    /// What is refused whoever asks and whatever for.
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        headers::check(request.headers())?;
        if self.admission.is_open() { Ok(()) } else { Err(Problem::new(Code::Unavailable)) }
    }
}

/// No answer of ours is anything but what its content type says.
const NOSNIFF: (HeaderName, HeaderValue) =
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// Programs ask these again and again; what is counted need not be logged too, as long as it goes well.
const POLLED: [&str; 4] = ["/healthz", "/health/detailed", "/metrics", "/edge/routes.json"];

/// The route's template: a closed set, unlike paths.
fn route_of(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>();
    route.map_or("unknown", MatchedPath::as_str).to_owned()
}

fn span(method: &Method, route: &str) -> Span {
    tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        otel.polled = POLLED.contains(&route),
        http.method = %method,
        http.route = route,
        correlation_id = Empty,
        trace_id = Empty,
        actor = Empty,
        tenant_id = Empty,
        operation_id = Empty,
    )
}

/// Whatever happens inside, there is an answer.
async fn guarded(answer: impl Future<Output = Response>) -> Response {
    let caught = AssertUnwindSafe(answer).catch_unwind();
    match tokio::time::timeout(ANSWERED_WITHIN, caught).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_text(panic.as_ref()), "a handler panicked");
            Problem::new(Code::Internal).into_response()
        }
        Err(_) => {
            tracing::warn!("a handler took too long");
            Problem::new(Code::Timeout).into_response()
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text")
}

/// Writes out problems, those of the router and of layers too.
fn finished(mut answer: Response, exchange: &Exchange, postpone: bool) -> (Response, Option<Problem>) {
    let status = answer.status();
    if let Some(problem) = answer.extensions_mut().remove::<Problem>() {
        let postponed = if postpone { postponed::stream_of(&problem) } else { None };
        let rendered = postponed.unwrap_or_else(|| problem.render(status, exchange.trace_id()));
        return (rendered, Some(problem));
    }
    let ours = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !(status.is_client_error() || status.is_server_error()) || ours {
        return (answer, None);
    }
    let problem = Problem::of_status(status);
    let mut rendered = problem.render(status, exchange.trace_id());
    if let Some(allow) = answer.headers_mut().remove(header::ALLOW) {
        rendered.headers_mut().insert(header::ALLOW, allow);
    }
    (rendered, Some(problem))
}

struct Ended<'a> {
    method: &'a Method,
    route: &'a str,
    took: Duration,
    problem: Option<&'a Problem>,
}

impl Ended<'_> {
    fn report(&self, answer: &Response, exchange: &Exchange, span: &Span) {
        // What was postponed in a stream was refused all the same.
        let code = self.problem.map(Problem::code);
        let status = code.map_or(answer.status(), Code::status);
        metrics::request(self.method, self.route, status, self.took);
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        // The edge's relay is told 304 four times a second.
        let well = answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED;
        if POLLED.contains(&self.route) && well {
            return;
        }
        if let Some(identity) = exchange.identity() {
            span.record("actor", identity.subject());
        }
        if let Some(tenant) = exchange.tenant() {
            span.record("tenant_id", tenant.to_string());
        }
        if let Some(operation) = exchange.operation() {
            span.record("operation_id", operation.to_string());
        }
        tracing::info!(
            http.status = answer.status().as_u16(),
            outcome = code.map_or("ok", Code::as_str),
            // What the caller was told; it names no secret and repeats no token.
            detail = self.problem.map(Problem::explanation),
            duration_ms = self.took.as_secs_f64() * 1000.0,
            audit = exchange.action(),
            "request"
        );
    }
}
