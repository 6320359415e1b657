//! Refusals that will pass, told to those who would take them for final.
//!
//! An `EventSource` comes back by itself when a stream ends, but never again after any status other than 200 (WHATWG HTML, "server-sent
//! events"). So whoever follows events and takes nothing but a stream is told "later" in one.

use std::time::Duration;

use axum::response::{
    IntoResponse, Response,
    sse::{Event, Sse},
};
use futures::stream;
use http::{HeaderMap, StatusCode, header};

use crate::{events::EndView, problem::Problem, routes::STREAMS};

/// Whether the caller takes a stream of events and would not survive anything else.
pub fn wanted(route: &str, headers: &HeaderMap) -> bool {
    let accepts = |range: &str| {
        let name = range.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("text/event-stream")
    };
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    STREAMS.contains(&route) && ranges.flat_map(|ranges| ranges.split(',')).any(accepts)
}

/// A stream that says why it is over already, and when to come back. `None` for what coming back does not mend.
pub fn stream_of(problem: &Problem) -> Option<Response> {
    let later = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
    if !later.contains(&problem.code().status()) {
        return None;
    }
    let retry = spread(problem.retry_after_seconds());
    let end = EndView { reason: problem.code().as_str() };
    let end = Event::default().retry(retry).event("end").json_data(end);
    Some(Sse::new(stream::iter([end])).into_response())
}

/// So long, or up to three times as long: whoever was cut off together does not come back together.
pub fn spread(seconds: u64) -> Duration {
    Duration::from_secs(seconds).mul_f64(1.0 + 2.0 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::problem::Code;

    #[test]
    fn a_stream_is_wanted_by_those_who_take_one_where_there_is_one() {
        let wanted = |route, accept| {
            wanted(route, &HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(wanted("/events", "text/event-stream"));
        assert!(wanted("/operations/{id}/events", "text/html, Text/Event-Stream;q=0.9"));
        for (route, accept) in
            [("/events", "*/*"), ("/events", "application/json"), ("/tenants", "text/event-stream")]
        {
            assert!(!wanted(route, accept), "{route} {accept}");
        }
    }

    #[test]
    fn only_what_will_pass_is_postponed() {
        for code in Code::ALL {
            let later = matches!(code.status().as_u16(), 429 | 503);
            assert_eq!(stream_of(&Problem::new(*code)).is_some(), later, "{code:?}");
        }
    }
}
