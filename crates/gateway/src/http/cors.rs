//! Which pages of other origins may call the API from a browser: those that are configured, and otherwise none.
//!
//! Callers prove who they are by headers that a script sets, never by what a browser adds by itself. So no credentials are allowed, and
//! an origin is no proof of anything: without this list pages elsewhere could not read answers, that is all.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use common::config::{Env, Section};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use url::Url;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PATCH, DELETE");
/// What callers send that a browser would not send by itself.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, last-event-id, traceparent, x-correlation-id, x-rp9-signature, \
     x-rp9-timestamp",
);
/// What callers read that a browser would not show by itself.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "idempotency-replayed, location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-correlation-id, \
     x-trace-id",
);
/// Ten minutes: the list changes with a deployment.
const KEPT_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages may read answers, as browsers spell them.
#[derive(Debug, Clone)]
pub struct Origins(Arc<[HeaderValue]>);

impl Section for Origins {
    fn read(env: &mut Env) -> Option<Self> {
        let text = env.optional::<String>("CORS_ORIGINS")?.unwrap_or_default();
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        match words.map(origin).collect::<Option<Vec<_>>>() {
            Some(origins) => Some(Self(origins.into())),
            None => env.problem(
                "CORS_ORIGINS must name origins exactly, such as `https://portal.example,http://localhost:3000`"
                    .into(),
            ),
        }
    }
}

/// Spelled as a browser would: it is compared byte by byte. There is no word for every origin, nor for some: an asterisk may stand
/// in a host's name, but whoever writes one here means something else.
fn origin(text: &str) -> Option<HeaderValue> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (url.origin().ascii_serialization() == text && !text.contains('*'))
        .then(|| HeaderValue::from_str(text).ok())?
}

impl Origins {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn named_in(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        let mut values = headers.get_all(ORIGIN).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        self.0.iter().find(|known| *known == value)
    }
}

/// Tells browsers that the page may read the answer, whatever the answer is.
pub async fn tell(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let origin = origins.named_in(request.headers()).cloned();
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.append(VARY, HeaderValue::from(ORIGIN));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    answer
}

/// Answers a browser that asks for one of these pages what it may send. Asked for any other page, the router answers as to every method
/// that it does not know.
pub async fn answer_preflight(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && origins.named_in(request.headers()).is_some();
    if !asks {
        return next.run(request).await;
    }
    let allowed = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, KEPT_SECONDS),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Origins, String> {
        Env::of([("CORS_ORIGINS", text)]).load().map_err(|error| error.to_string())
    }

    #[test]
    fn origins_are_named_exactly() {
        let both = load(" https://portal.example, http://localhost:3000 ,").unwrap();
        assert_eq!(both.0.len(), 2);
        assert!(load("").unwrap().is_empty() && Env::of([("A", "")]).load::<Origins>().unwrap().is_empty());
        for bad in [
            "*",
            "null",
            "https://*.example",
            "https://portal.example/",
            "https://Portal.example",
            "https://portal.example:443",
            "https://user@portal.example",
            "portal.example",
            "file:///etc",
            "https://a.example;https://b.example",
        ] {
            assert!(load(bad).is_err(), "{bad}");
        }
    }
}
