//! Sequences of messages on a real NATS: whole, in order, and none twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod support;

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    consumer::{AckPolicy, pull},
};
use common::bus::{Bus, Carried, Message, Stopped, Storage, StreamSpec, Undecodable};
use futures::StreamExt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbered {
    writer: u8,
    number: u32,
}

impl Message for Numbered {
    const NAME: &'static str = "Numbered";
    const STREAM: StreamSpec = StreamSpec {
        name: "TEST_NUMBERED",
        subjects: &["test.numbered.>"],
        work_queue: false,
        storage: Storage::File,
        max_age: Duration::from_secs(3_600),
        max_bytes: 16 << 20,
        max_message_bytes: 1 << 20,
    };

    fn subject(&self) -> String {
        format!("test.numbered.{}", self.writer)
    }

    fn dedup_id(&self) -> String {
        format!("{}.{}", self.writer, self.number)
    }

    fn encode(&self) -> Vec<u8> {
        self.dedup_id().into_bytes()
    }

    fn decode(_: &str, bytes: &[u8]) -> Result<Self, Undecodable> {
        let numbers = String::from_utf8(bytes.to_vec()).ok();
        let numbers = numbers.as_deref().and_then(|text| text.split_once('.'));
        let read = numbers.and_then(|(a, b)| Some(Self { writer: a.parse().ok()?, number: b.parse().ok()? }));
        read.ok_or_else(|| Undecodable::Unknown("not two numbers".into()))
    }
}

fn sequence(writer: u8, numbers: std::ops::Range<u32>) -> Vec<(Numbered, Carried)> {
    numbers.map(|number| (Numbered { writer, number }, Carried::default())).collect()
}

/// What the stream has, oldest first.
async fn kept(raw: &Context) -> Vec<Numbered> {
    let stream = raw.get_stream(Numbered::STREAM.name).await.unwrap();
    let config = pull::Config { ack_policy: AckPolicy::None, ..Default::default() };
    let consumer = stream.create_consumer(config).await.unwrap();
    let pending = usize::try_from(consumer.cached_info().num_pending).unwrap();
    let messages = consumer.messages().await.unwrap().take(pending);
    messages.map(|m| Numbered::decode("", &m.unwrap().payload).unwrap()).collect().await
}

/// Sends a sequence as its sender would: what others came in between of goes on behind them.
async fn send_all(bus: &Bus, messages: &[(Numbered, Carried)]) {
    let mut rest = messages;
    while !rest.is_empty() {
        let sent = bus.publish_in_order(rest).await;
        rest = &rest[sent.count..];
        match sent.stopped {
            None => assert!(rest.is_empty(), "it stopped without a reason"),
            Some(Stopped::Interrupted) => {}
            Some(Stopped::Failed(error)) => panic!("{error}"),
        }
    }
}

/// One stream, so one test at a time: everything is tried in one go.
#[tokio::test]
#[ignore = "needs NATS: deploy/test"]
async fn a_sequence_keeps_its_order_whatever_comes_in_between() {
    let (bus, raw) = support::bus_without(Numbered::STREAM.name).await;

    // Nobody keeps them: none counts as sent, and nothing is lost by sending them again.
    let sent = bus.publish_in_order(&sequence(1, 0..10)).await;
    assert_eq!(sent.count, 0);
    assert!(matches!(sent.stopped, Some(Stopped::Failed(_))), "{sent:?}");
    bus.ensure_stream(&Numbered::STREAM).await.unwrap();
    send_all(&bus, &sequence(1, 0..10)).await;

    // The sender died before it could note how far it had come: the first ten are there already.
    send_all(&bus, &sequence(1, 0..20)).await;
    let all = kept(&raw).await;
    assert_eq!(all, sequence(1, 0..20).into_iter().map(|(m, _)| m).collect::<Vec<_>>());

    let (one, other) = (sequence(2, 0..500), sequence(3, 0..500));
    tokio::join!(send_all(&bus, &one), send_all(&bus, &other));
    let all = kept(&raw).await;
    for writer in [2, 3] {
        let numbers: Vec<_> = all.iter().filter(|m| m.writer == writer).map(|m| m.number).collect();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>(), "of writer {writer}");
    }
}
