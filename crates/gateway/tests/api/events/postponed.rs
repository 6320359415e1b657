//! What an `EventSource` would take for final although it passes: told in a stream, which it comes back from.

use futures::StreamExt;
use sqlx::PgPool;
use tower::ServiceExt;

use crate::support::{Call, Follower, Platform, redis_url};

/// How many milliseconds a stream says to wait.
fn retry(stream: &str) -> u32 {
    let retry = stream.lines().find_map(|line| line.strip_prefix("retry:")).expect("it says when");
    retry.trim().parse().unwrap()
}

fn event_source(target: &str) -> Call {
    Call::get(target).by_a("admin").header("accept", "text/event-stream")
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_finds_no_place_or_a_gateway_that_starts_is_told_to_come_back(database: PgPool) {
    let platform = Platform::configured(database, &[("EVENT_CLIENTS", "1")]).await;
    // The record was not read yet.
    assert_eq!(platform.follow(event_source("/events")).await.reason().await, "unavailable");
    platform.tell().await;
    let first = platform.follow(event_source("/events")).await;
    let reply = platform.send(event_source("/events")).await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!((2_000..=6_000).contains(&retry(&text)), "{text}");
    // Others learn it from the status.
    platform.send(Call::get("/events").by_a("admin")).await.assert_problem(503, "unavailable");
    drop(first);
    let answer = platform.api().oneshot(event_source("/events").build()).await.unwrap();
    let begin = answer.into_body().into_data_stream().next().await.unwrap().unwrap();
    let begin = String::from_utf8(begin.to_vec()).unwrap();
    assert!((2_000..=6_000).contains(&retry(&begin)), "a longer wait is not kept: {begin}");
    platform.stop().await;
}

#[tokio::test]
async fn a_record_that_is_away_is_told_in_a_stream_and_what_stays_wrong_in_a_status() {
    let platform = Platform::without_record().await;
    for target in ["/events", "/operations/op_0198c0de0000700080000000000000aa/events"] {
        let answer = platform.api().oneshot(event_source(target).build()).await.unwrap();
        assert_eq!(Follower::of(answer).reason().await, "unavailable", "{target}");
    }
    let unknown = Call::get("/events").header("accept", "text/event-stream");
    platform.send(unknown).await.assert_problem(401, "token_missing");
    platform.send(event_source("/events?kind=x")).await.assert_problem(422, "invalid_fields");
    platform.send(event_source("/tenants")).await.assert_problem(503, "unavailable");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_opens_streams_too_often_is_told_to_come_back(database: PgPool) {
    let redis = redis_url();
    let limits = [("RATE_LIMIT", "on"), ("REDIS_URL", redis.as_str()), ("RATE_LIMIT_STAFF", "1")];
    let platform = Platform::configured(database, &limits).await;
    let someone = crate::support::Claims::of("admin").claim("sub", uuid::Uuid::now_v7().to_string());
    let call = || Call::get("/events").by(&someone).header("accept", "text/event-stream");
    platform.send(call()).await;
    let reply = platform.send(call()).await;
    assert_eq!((reply.status.as_u16(), reply.text().contains("throttled")), (200, true), "{}", reply.text());
    assert!(reply.header("ratelimit").contains("r=0"), "{reply:?}");
    platform.stop().await;
}
