//! The same events on the bus.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull};
use common::bus::Message;
use futures::StreamExt;
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};

use super::{SUCCESS, accepted, succeed};
use crate::support::{Call, Platform, nats_url};

/// Every message of this tenant in the stream, so far.
async fn published(tenant: &str) -> Vec<(wire::Event, String)> {
    let jetstream = jetstream::new(async_nats::connect(nats_url()).await.unwrap());
    let stream = jetstream.get_stream(wire::EVENTS.name).await.unwrap();
    let filter_subject = format!("rp9.evt.v1.*.*.{tenant}");
    let consumer =
        stream.create_consumer(pull::Config { filter_subject, ..Default::default() }).await.unwrap();
    let pending = usize::try_from(consumer.cached_info().num_pending).unwrap();
    let mut messages = consumer.messages().await.unwrap().take(pending);
    let mut events = Vec::new();
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        let correlation = message.headers.as_ref().and_then(|h| h.get("rp9-correlation-id"));
        let correlation = correlation.map(ToString::to_string).unwrap_or_default();
        events.push((wire::Event::decode(&message.subject, &message.payload).unwrap(), correlation));
    }
    events
}

/// Until every event of the record is noted as published.
async fn all_is_published(database: &PgPool) {
    let question = "select not exists (select from event_outbox)
                       and published_id >= (select max(id) from events) from event_relay";
    let done = async {
        while !sqlx::query_scalar::<_, bool>(question).fetch_one(database).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("all is published");
}

fn kinds(published: &[(wire::Event, String)]) -> Vec<&str> {
    published.iter().map(|(event, _)| event.kind.as_str()).collect()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_event_is_published_in_order_and_once_also_after_a_crash(database: PgPool) {
    let platform = Platform::with_bus(database.clone()).await;
    platform.tell_on_both().await;
    let (tenant, operation) = accepted(&platform, "acme").await;
    succeed(&database, &tenant, &operation).await;
    all_is_published(&database).await;
    let first = published(&tenant).await;
    assert_eq!(kinds(&first), SUCCESS);
    assert!(first.iter().filter(|(event, _)| event.operation.is_some()).all(|(_, id)| !id.is_empty()));

    // As if whoever published them had died before it could say so.
    sqlx::query("update event_relay set published_id = 0").execute(&database).await.unwrap();
    all_is_published(&database).await;
    assert_eq!(published(&tenant).await, first);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn without_the_bus_events_are_told_and_wait_and_then_are_published(database: PgPool) {
    // A door to NATS that is closed at first: the port is ours, and nobody answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let door = listener.local_addr().unwrap();
    drop(listener);
    let platform = Platform::with_bus_at(database.clone(), &format!("nats://{door}")).await;
    platform.tell().await;
    let mut follower = platform.follow(Call::get("/events").by_a("admin")).await;
    let (tenant, operation) = accepted(&platform, "acme").await;
    succeed(&database, &tenant, &operation).await;
    assert_eq!(follower.kinds(SUCCESS.len()).await, SUCCESS);
    let noted = "select published_id from event_relay";
    assert_eq!(sqlx::query_scalar::<_, i64>(noted).fetch_one(&database).await.unwrap(), 0);

    open_the_door(&platform, door).await;
    all_is_published(&database).await;
    assert_eq!(kinds(&published(&tenant).await), SUCCESS);
    platform.stop().await;
}

/// Hands on every connection to the real server.
async fn open_the_door(platform: &Platform, door: std::net::SocketAddr) {
    let (listener, stopping) = (TcpListener::bind(door).await.unwrap(), platform.tasks().stopping());
    let server = nats_url().trim_start_matches("nats://").to_owned();
    platform.tasks().spawn("door", async move {
        let hand_on = async {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut server = TcpStream::connect(&server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        };
        stopping.run_until_cancelled(hand_on).await;
    });
}
