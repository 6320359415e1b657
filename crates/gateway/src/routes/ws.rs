//! `/ws`: live events over a WebSocket.

use axum::{
    extract::{
        RawQuery, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use http::HeaderMap;
use serde_json::json;
use tokio::time::{Duration, Instant, interval, timeout};

use super::events::HEARTBEAT;
use crate::{
    app::App,
    auth::{BEARER, SocketCaller},
    events::{End, EventsQuery, Feed, LastEventId, read_query},
    metrics,
    problem::{Answered, Code, Problem},
    store::events,
};

/// Clients have nothing to say but pongs and a goodbye.
const MAX_MESSAGE: usize = 4 * 1024;
/// A client that says nothing to three pings is gone.
const SILENCE: Duration = Duration::from_secs(3 * HEARTBEAT.as_secs());
/// One that does not take an event for so long does not keep up.
const TAKES_WITHIN: Duration = Duration::from_secs(10);

/// Follows what happens to the caller's tenants.
///
/// A WebSocket. Every message is an `Event`, but for the first, `{"position": id}`, which says where to resume when the
/// connection is lost before anything happened. If the events after `since` cannot be told, its `reset` says why, and what happens from
/// now on follows. Browsers, which cannot set headers, may offer the protocols `bearer` and
/// the token instead.
#[utoipa::path(
    get, path = "/ws", tag = "events",
    security(("token" = [])),
    params(EventsQuery, LastEventId),
    responses(
        (status = 101, body = events::Event, description = "Events follow"),
    )
)]
pub async fn follow_by_socket(
    State(app): State<App>,
    SocketCaller(caller): SocketCaller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answered<Response> {
    let following = read_query(query.as_deref(), &headers)?;
    let feed = Feed::open(&app, caller.identity(), following).await?;
    let upgrade = upgrade
        .map_err(|_| Problem::new(Code::InvalidRequest).detail("This path is for WebSockets (RFC 6455)."))?;
    let upgrade = upgrade.protocols([BEARER]).max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
    let tasks = app.tasks.clone();
    // Through our own tasks, so that stopping waits until the goodbye is said.
    Ok(upgrade.on_upgrade(async move |socket| tasks.spawn_one("socket", converse(socket, feed))))
}

async fn converse(mut socket: WebSocket, mut feed: Feed) {
    let mut position = json!({ "position": feed.last() });
    if let Some(reset) = feed.reset() {
        position["reset"] = reset.as_str().into();
    }
    if !send(&mut socket, Message::Text(position.to_string().into())).await {
        return;
    }
    let (mut beat, mut heard) = (interval(HEARTBEAT), Instant::now());
    let end = loop {
        let next = tokio::select! {
            next = feed.next() => match next {
                Ok(notice) => Message::Text(notice.json.as_str().into()),
                Err(end) => break end,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
            _ = beat.tick() => Message::Ping(bytes::Bytes::new()),
        };
        if heard.elapsed() > SILENCE || !send(&mut socket, next).await {
            metrics::event_client_dropped(End::TooSlow);
            return;
        }
    };
    let goodbye = CloseFrame { code: code(end), reason: end.as_str().into() };
    send(&mut socket, Message::Close(Some(goodbye))).await;
}

/// Whether the client took it.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(TAKES_WITHIN, socket.send(message)).await, Ok(Ok(())))
}

/// What each end is in RFC 6455's words.
fn code(end: End) -> u16 {
    match end {
        End::OperationEnded => close_code::NORMAL,
        End::TooSlow | End::TokenExpired | End::KeyRevoked => close_code::POLICY,
        End::Stopping => close_code::AWAY,
        End::Rewound | End::Unavailable => close_code::AGAIN,
    }
}
