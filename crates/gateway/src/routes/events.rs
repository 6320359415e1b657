//! `/events` and `/operations/{id}/events`: live events as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{RawQuery, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;

use crate::{
    app::App,
    auth::{Caller, OperationOf},
    events::{
        EndView, EventsQuery, Feed, LastEventId, OperationEventsQuery, ResetView, read_operation_query,
        read_query,
    },
    http::postponed::spread,
    problem::Answered,
    store::events,
};

/// Proxies close what is silent for a minute, or less.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// Asks nginx and its kin to hand on each event at once.
pub const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// How soon a client comes back, at least, when its stream has ended.
pub const RETRY_SECONDS: u64 = 2;

/// Follows what happens to the caller's tenants.
///
/// Each message's data is an `Event`. A message named `end` says why the stream ends; a client that comes back with
/// `Last-Event-ID` misses and repeats nothing. If the events after that id cannot be told (they are not kept any longer, or there has
/// been no such event), a message named `reset` says so, and what happens from now on follows. To whoever accepts
/// `text/event-stream`, as an `EventSource` does, 429 and 503 are told as a stream that ends at once and says when to come back.
#[utoipa::path(
    get, path = "/events", tag = "events",
    security(("token" = [])),
    params(EventsQuery, LastEventId),
    responses(
        (status = 200, body = events::Event, content_type = "text/event-stream"),
    )
)]
pub async fn follow(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answered<Response> {
    let following = read_query(query.as_deref(), &headers)?;
    Ok(told(Feed::open(&app, caller.identity(), following).await?))
}

/// Follows one operation from its beginning to its end.
///
/// 204 when it has ended and the caller has seen everything: browsers then stop coming back.
#[utoipa::path(
    get, path = "/operations/{id}/events", tag = "events",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The operation's id"),
        OperationEventsQuery,
        LastEventId,
    ),
    responses(
        (status = 200, body = events::Event, content_type = "text/event-stream"),
        (status = 204, description = "It has ended, and everything was told"),
    )
)]
pub async fn follow_operation(
    State(app): State<App>,
    of: OperationOf,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answered<Response> {
    let following = read_operation_query(of.operation.id, query.as_deref(), &headers)?;
    let feed = Feed::open_with(&app, of.identity(), of.scope(), following).await?;
    Ok(if feed.is_over() { StatusCode::NO_CONTENT.into_response() } else { told(feed) })
}

fn told(feed: Feed) -> Response {
    let told = Sse::new(messages(feed)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    ([UNBUFFERED], told).into_response()
}

fn messages(feed: Feed) -> impl Stream<Item = Result<Event, Infallible>> {
    // An id alone tells nothing and is remembered: who is cut off before the first event resumes here too.
    // A longer wait that it was told before is over.
    let mut begin = Event::default().id(feed.last().to_string()).retry(spread(RETRY_SECONDS));
    if let Some(reset) = feed.reset() {
        begin = named("reset", begin, &ResetView { reason: reset.as_str() });
    }
    let rest = stream::unfold(Some(feed), async |feed| {
        let mut feed = feed?;
        Some(match feed.next().await {
            Ok(notice) => {
                let event = Event::default().id(notice.event.id.to_string()).data(&notice.json);
                (event, Some(feed))
            }
            Err(end) => (named("end", Event::default(), &EndView { reason: end.as_str() }), None),
        })
    });
    stream::iter([begin]).chain(rest).map(Ok)
}

fn named(name: &str, event: Event, data: &impl Serialize) -> Event {
    event.event(name).data(serde_json::to_string(data).unwrap_or_default())
}
