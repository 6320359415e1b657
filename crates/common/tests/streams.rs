//! Streams on a real NATS are what is declared, those that were there before too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

#[allow(dead_code, reason = "not every test uses all of it")]
mod support;

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};
use common::{
    bus::{Bus, BusConfig, BusError, Storage, StreamSpec},
    config::Env,
};

use crate::support::{bus_without, eventually, nats_url};

const NAME: &str = "TEST_DECLARED";
const SUBJECT: &str = "test.declared.a";

const DECLARED: StreamSpec = StreamSpec {
    name: NAME,
    subjects: &["test.declared.>"],
    work_queue: false,
    storage: Storage::File,
    max_age: Duration::from_secs(3_600),
    max_bytes: 1 << 20,
    max_message_bytes: 64 << 10,
};

async fn config(raw: &Context) -> Config {
    raw.get_stream(NAME).await.unwrap().cached_info().config.clone()
}

async fn kept(raw: &Context) -> u64 {
    raw.get_stream(NAME).await.unwrap().cached_info().state.messages
}

/// Whether the stream takes so many bytes.
async fn takes(raw: &Context, bytes: usize) -> bool {
    raw.publish(SUBJECT, vec![b'x'; bytes].into()).await.unwrap().await.is_ok()
}

/// One stream, so one test at a time.
#[tokio::test]
#[ignore = "needs NATS: deploy/test"]
async fn streams_are_as_declared() {
    what_is_declared_is_there_and_what_changes_is_changed().await;
    a_full_queue_takes_no_more_and_another_stream_forgets().await;
    memory_is_memory_and_stays_what_it_was().await;
    more_servers_than_there_are_is_an_error().await;
}

async fn what_is_declared_is_there_and_what_changes_is_changed() {
    let (bus, raw) = bus_without(NAME).await;
    // As a release without any of this made it.
    let former = Config { name: NAME.into(), subjects: vec!["test.declared.>".into()], ..Config::default() };
    raw.create_stream(former).await.unwrap();
    assert!(takes(&raw, 1_000).await);
    bus.ensure_stream(&DECLARED).await.unwrap();
    let now = config(&raw).await;
    assert_eq!(
        (now.max_age, now.max_bytes, now.max_message_size),
        (Duration::from_secs(3_600), 1 << 20, 64 << 10)
    );
    assert_eq!((now.retention, now.discard), (RetentionPolicy::Limits, DiscardPolicy::Old));
    assert_eq!((now.storage, now.num_replicas), (StorageType::File, 1));
    assert_eq!(kept(&raw).await, 1, "what it kept stays");
    assert!(takes(&raw, 60 << 10).await && !takes(&raw, 65 << 10).await);

    let changed = StreamSpec { max_age: Duration::from_secs(60), max_message_bytes: 1_024, ..DECLARED };
    bus.ensure_stream(&changed).await.unwrap();
    let now = config(&raw).await;
    assert_eq!((now.max_age, now.max_message_size), (Duration::from_secs(60), 1_024));
    assert!(!takes(&raw, 2_000).await);
    assert_eq!(kept(&raw).await, 2);
}

async fn a_full_queue_takes_no_more_and_another_stream_forgets() {
    let (bus, raw) = bus_without(NAME).await;
    bus.ensure_stream(&DECLARED).await.unwrap();
    for _ in 0..40 {
        assert!(takes(&raw, 60 << 10).await);
    }
    let most = kept(&raw).await;
    assert!((10..20).contains(&most), "{most} messages of 60 kB in 1 MB");

    let (bus, raw) = {
        drop(bus);
        bus_without(NAME).await
    };
    bus.ensure_stream(&StreamSpec { work_queue: true, ..DECLARED }).await.unwrap();
    let mut taken = 0;
    while takes(&raw, 60 << 10).await {
        taken += 1;
        assert!(taken < 20, "it takes more than it has room for");
    }
    assert_eq!(kept(&raw).await, taken);
}

async fn memory_is_memory_and_stays_what_it_was() {
    let (bus, raw) = bus_without(NAME).await;
    let memory = StreamSpec { storage: Storage::Memory, ..DECLARED };
    bus.ensure_stream(&memory).await.unwrap();
    assert_eq!(config(&raw).await.storage, StorageType::Memory);
    assert!(takes(&raw, 10).await);
    let refused = bus.ensure_stream(&DECLARED).await.unwrap_err();
    assert!(matches!(refused, BusError::Refused(_)), "{refused:?}");
    assert_eq!((config(&raw).await.storage, kept(&raw).await), (StorageType::Memory, 1));
}

async fn more_servers_than_there_are_is_an_error() {
    let (_, raw) = bus_without(NAME).await;
    let url = nats_url();
    let config: BusConfig = Env::of([("NATS_URL", url.as_str()), ("NATS_REPLICAS", "3")]).load().unwrap();
    let bus = Bus::connect(&config, "streams").await.unwrap();
    eventually(async || bus.is_connected()).await;
    assert!(matches!(bus.ensure_stream(&DECLARED).await.unwrap_err(), BusError::Refused(_)));
    assert!(raw.get_stream(NAME).await.is_err(), "no stream is less safe than it was to be");
}
