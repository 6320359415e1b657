//! Messages on a real NATS: handled at least once, the urgent first, and what cannot be handled becomes a dead letter
//! without keeping anything waiting.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod support;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use common::{
    bus::{Bus, Carried, Consumer, Lane, Malformed, Message, Outcome, Storage, StreamSpec, Undecodable},
    clock,
    database::MIGRATOR,
    dead_letters::DeadLetters,
    error::Kind,
    service::Tasks,
};
use futures::FutureExt;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{bus_at, bus_without, door::Door, eventually};

/// What a text says is done to it: `fail`, `panic`, `refuse`, `wait`, `held`, or nothing in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    lane: &'static str,
    text: String,
}

impl Message for Text {
    const NAME: &'static str = "Text";
    const STREAM: StreamSpec = StreamSpec {
        name: "TEST_TEXTS",
        subjects: &["test.texts.>"],
        work_queue: true,
        storage: Storage::File,
        max_age: Duration::from_secs(3_600),
        max_bytes: 16 << 20,
        max_message_bytes: 1 << 20,
    };

    fn subject(&self) -> String {
        format!("test.texts.v1.{}", self.lane)
    }

    fn dedup_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }

    fn encode(&self) -> Vec<u8> {
        self.text.clone().into_bytes()
    }

    fn decode(subject: &str, bytes: &[u8]) -> Result<Self, Undecodable> {
        let lane = ["high", "low"].into_iter().find(|lane| subject == format!("test.texts.v1.{lane}"));
        let lane = lane.ok_or_else(|| Undecodable::Unknown(subject.into()))?;
        let text = String::from_utf8(bytes.to_vec());
        let text = text.map_err(|e| Malformed { message: "Text", reason: e.to_string() })?;
        Ok(Self { lane, text })
    }
}

const CONSUMER: Consumer = Consumer {
    service: "tests",
    lanes: &[
        Lane { name: "tests-high", filter: "test.texts.*.high" },
        Lane { name: "tests-low", filter: "test.texts.*.low" },
    ],
    at_once: 4,
    retired: &["tests-of-old"],
};

/// Two replicas that note what they handle.
struct Bench {
    bus: Bus,
    record: PgPool,
    raw: async_nats::jetstream::Context,
    handled: Arc<Mutex<Vec<(String, Instant)>>>,
    tries: Arc<Mutex<HashMap<String, u32>>>,
    /// While it is set, whatever `wait` asks for is away.
    away: Arc<std::sync::atomic::AtomicBool>,
    stopping: CancellationToken,
    tasks: Tasks,
}

impl Bench {
    /// On an empty stream that nobody takes from yet.
    async fn new(record: PgPool) -> Self {
        let (bus, raw) = bus_without(Text::STREAM.name).await;
        bus.ensure_stream(&Text::STREAM).await.unwrap();
        Self {
            bus,
            record,
            raw,
            handled: Arc::default(),
            tries: Arc::default(),
            away: Arc::default(),
            stopping: CancellationToken::new(),
            tasks: Tasks::default(),
        }
    }

    async fn send(&self, lane: &'static str, text: &str) {
        self.bus.publish(&Text { lane, text: text.into() }, &Carried::default()).await.unwrap();
    }

    async fn send_raw(&self, subject: &'static str, payload: &'static [u8]) {
        self.raw.publish(subject, payload.into()).await.unwrap().await.unwrap();
    }

    fn start(&self, replicas: usize) {
        for _ in 0..replicas {
            let (bus, dead, stopping) =
                (self.bus.clone(), DeadLetters::new(self.record.clone()), self.stopping.clone());
            let (handled, tries, away) = (self.handled.clone(), self.tries.clone(), self.away.clone());
            self.tasks.spawn("consumer", async move {
                let handle =
                    |message: Text, _| handle(message.text, handled.clone(), tries.clone(), away.clone());
                bus.consume(CONSUMER, dead, stopping, handle).await;
            });
        }
    }

    /// Until everything in hand is settled: what is left of one part must not reach into the next.
    async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.finish(Duration::from_secs(10)).await.unwrap();
    }

    fn handled(&self) -> Vec<String> {
        self.handled.lock().unwrap().iter().map(|(text, _)| text.clone()).collect()
    }

    fn has_handled(&self, text: &str) -> bool {
        self.handled().iter().any(|handled| handled == text)
    }

    async fn dead(&self) -> Vec<(String, i32, Vec<u8>)> {
        sqlx::query_as("select reason, attempts, payload from dead_letters order by at, id")
            .fetch_all(&self.record)
            .await
            .unwrap()
    }

    async fn reasons(&self) -> Vec<String> {
        self.dead().await.into_iter().map(|(reason, ..)| reason).collect()
    }
}

async fn handle(
    text: String,
    handled: Arc<Mutex<Vec<(String, Instant)>>>,
    tries: Arc<Mutex<HashMap<String, u32>>>,
    away: Arc<std::sync::atomic::AtomicBool>,
) -> Outcome {
    *tries.lock().unwrap().entry(text.clone()).or_default() += 1;
    match text.split(' ').next() {
        Some("panic") => panic!("told to"),
        Some("refuse") => return Outcome::Failed { kind: Kind::Conflict, detail: "told to".into() },
        Some("fail") => return Outcome::Failed { kind: Kind::Internal, detail: "told to".into() },
        Some("wait") if away.load(std::sync::atomic::Ordering::SeqCst) => {
            return Outcome::Failed { kind: Kind::Unavailable, detail: "away".into() };
        }
        Some("held") => {
            let mut held = true;
            while held {
                tokio::time::sleep(Duration::from_millis(10)).await;
                held = away.load(std::sync::atomic::Ordering::SeqCst);
            }
        }
        _ => {}
    }
    handled.lock().unwrap().push((text, Instant::now()));
    Outcome::Done
}

/// One stream, so one test at a time: everything is tried in one go.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn messages_are_handled_or_become_dead_letters(record: PgPool) {
    what_is_wrong_delays_nobody(Bench::new(record.clone()).await).await;
    sqlx::query("delete from dead_letters").execute(&record).await.unwrap();
    among_much_that_is_wrong_the_good_go_on(Bench::new(record.clone()).await).await;
    sqlx::query("delete from dead_letters").execute(&record).await.unwrap();
    what_a_dependency_keeps_waiting_is_not_given_up(Bench::new(record.clone()).await).await;
    who_stops_gives_back_what_it_has_not_begun(Bench::new(record.clone()).await).await;
    every_lane_is_taken_from(Bench::new(record.clone()).await).await;
    a_wiped_store_is_noticed(Bench::new(record.clone()).await).await;
    a_server_that_comes_back_empty_is_used_again(Bench::new(record).await).await;
}

async fn what_is_wrong_delays_nobody(bench: Bench) {
    for (subject, payload) in [
        ("test.texts.v1.high", &b"\xff\x00"[..]),
        ("test.texts.v2.high", b"from the future"),
        ("test.texts.v1.high", b"panic"),
        ("test.texts.v1.high", b"refuse"),
        ("test.texts.v1.high", b"fail"),
    ] {
        bench.send_raw(subject, payload).await;
    }
    let late = Carried { deadline: Some(clock::now() - Duration::from_secs(86_400)), ..Carried::default() };
    bench.bus.publish(&Text { lane: "high", text: "too late".into() }, &late).await.unwrap();
    for number in 0..20 {
        bench.send("low", &format!("good {number}")).await;
    }
    bench.start(2);
    eventually(async || bench.handled().len() == 20).await;
    // Those that are tried again are still at it when everything else is done.
    let reasons = bench.reasons().await;
    assert!(!reasons.contains(&"exhausted".into()) && !reasons.contains(&"unknown".into()), "{reasons:?}");
    eventually(async || bench.dead().await.len() == 6).await;
    let mut reasons = bench.reasons().await;
    reasons.sort();
    assert_eq!(reasons, ["exhausted", "exhausted", "expired", "malformed", "refused", "unknown"]);
    let tries = |text: &str| bench.tries.lock().unwrap().get(text).copied().unwrap_or_default();
    assert_eq!((tries("panic"), tries("fail"), tries("refuse"), tries("too late")), (4, 4, 1, 0));
    let dead = bench.dead().await;
    assert!(dead.iter().any(|(reason, attempts, _)| reason == "exhausted" && *attempts == 4), "{dead:?}");
    assert!(dead.iter().any(|(reason, _, payload)| reason == "malformed" && payload == b"\xff\x00"));
    assert!(!bench.has_handled("too late"));
    bench.stop().await;
}

/// One in four is good. How long those took is printed, not asserted: a busy machine is no mistake of ours.
async fn among_much_that_is_wrong_the_good_go_on(bench: Bench) {
    const GOOD: usize = 100;
    bench.start(2);
    let mut sent = HashMap::new();
    for number in 0..GOOD {
        for (subject, payload) in [
            ("test.texts.v1.high", &b"\xff\x00"[..]),
            ("test.texts.v2.high", b"from the future"),
            ("test.texts.v1.high", [&b"panic"[..], b"refuse", b"fail"][number % 3]),
        ] {
            bench.send_raw(subject, payload).await;
        }
        let good = format!("good {number}");
        sent.insert(good.clone(), Instant::now());
        bench.send("high", &good).await;
    }
    let good = |text: &str| sent.contains_key(text);
    eventually(async || bench.handled().iter().filter(|text| good(text)).count() == GOOD).await;
    let handled = bench.handled.lock().unwrap().clone();
    let waited = handled.iter().filter_map(|(text, at)| Some(at.duration_since(*sent.get(text)?)));
    println!("of {GOOD} good messages among 300 others, the slowest took {:?}", waited.max().unwrap());
    bench.stop().await;
}

async fn what_a_dependency_keeps_waiting_is_not_given_up(bench: Bench) {
    bench.away.store(true, std::sync::atomic::Ordering::SeqCst);
    bench.send("high", "wait for it").await;
    bench.start(1);
    let tries = || bench.tries.lock().unwrap().get("wait for it").copied().unwrap_or_default();
    eventually(async || tries() >= 3).await;
    bench.send("low", "meanwhile").await;
    eventually(async || bench.has_handled("meanwhile")).await;
    bench.away.store(false, std::sync::atomic::Ordering::SeqCst);
    eventually(async || bench.has_handled("wait for it")).await;
    assert_eq!(bench.dead().await, []);
    bench.stop().await;
}

/// All that it has fetched, which is most of what there is; and what is waited for, but not what is in hand.
async fn who_stops_gives_back_what_it_has_not_begun(mut bench: Bench) {
    bench.away.store(true, std::sync::atomic::Ordering::SeqCst);
    for text in ["held 0", "held 1", "wait for it"] {
        bench.send("high", text).await;
    }
    bench.start(1);
    let tries =
        |bench: &Bench, text: &str| bench.tries.lock().unwrap().get(text).copied().unwrap_or_default();
    for text in ["held 0", "held 1", "wait for it"] {
        eventually(async || tries(&bench, text) > 0).await;
    }
    bench.send("high", "held 2").await;
    eventually(async || tries(&bench, "held 2") > 0).await;
    for number in 0..100 {
        bench.send("low", &format!("good {number}")).await;
    }
    let mut lane = bench.raw.get_stream(Text::STREAM.name).await.unwrap();
    lane.info().await.unwrap();
    let consumer =
        async || lane.get_consumer::<async_nats::jetstream::consumer::pull::Config>("tests-low").await;
    eventually(async || consumer().await.unwrap().cached_info().num_ack_pending >= 32).await;

    std::mem::take(&mut bench.stopping).cancel();
    bench.start(1);
    let good = || bench.handled().iter().filter(|text| text.starts_with("good")).count();
    let given_back = eventually(async || good() == 100);
    tokio::time::timeout(Duration::from_secs(10), given_back)
        .await
        .expect("nothing waits for its time to be over");
    assert!(tries(&bench, "wait for it") > 1 && !bench.has_handled("held 0"));

    bench.away.store(false, std::sync::atomic::Ordering::SeqCst);
    eventually(async || bench.has_handled("wait for it") && bench.has_handled("held 2")).await;
    for number in 0..3 {
        assert_eq!(tries(&bench, &format!("held {number}")), 1, "what was begun is finished");
    }
    assert_eq!(bench.handled().len(), 104, "nothing is done twice");
    bench.stop().await;
    assert!(bench.tasks.broken().now_or_never().is_none(), "a consumer that ends does not break");
}

/// In which order is a matter of what has arrived; the unit tests of the lanes say what is taken of that.
async fn every_lane_is_taken_from(bench: Bench) {
    for number in 0..60 {
        bench.send("high", &format!("high {number}")).await;
    }
    for number in 0..4 {
        bench.send("low", &format!("low {number}")).await;
    }
    bench.start(1);
    eventually(async || bench.handled().len() == 64).await;
    assert!(bench.has_handled("low 3") && bench.has_handled("high 59"));
    assert_eq!(bench.tries.lock().unwrap().len(), 64, "each was another");
    bench.stop().await;
}

async fn a_wiped_store_is_noticed(bench: Bench) {
    bench.start(2);
    bench.send("high", "before").await;
    eventually(async || bench.has_handled("before")).await;
    bench.raw.delete_stream(Text::STREAM.name).await.unwrap();
    // Whoever publishes finds no stream until a consumer has made it anew.
    let again = Text { lane: "high", text: "after".into() };
    eventually(async || bench.bus.publish(&again, &Carried::default()).await.is_ok()).await;
    eventually(async || bench.has_handled("after")).await;
    bench.stop().await;
}

/// What was in hand when it went away is finished, not begun anew.
async fn a_server_that_comes_back_empty_is_used_again(mut bench: Bench) {
    let door = Door::open(&bench.tasks).await;
    bench.bus = bus_at(&door.url).await;
    bench.away.store(true, std::sync::atomic::Ordering::SeqCst);
    bench.start(1);
    bench.send("high", "held").await;
    let tries = |text: &str| bench.tries.lock().unwrap().get(text).copied().unwrap_or_default();
    eventually(async || tries("held") == 1).await;

    door.set_open(false);
    eventually(async || !bench.bus.is_connected()).await;
    bench.raw.delete_stream(Text::STREAM.name).await.unwrap();
    door.set_open(true);
    let again = Text { lane: "low", text: "after".into() };
    eventually(async || bench.bus.publish(&again, &Carried::default()).await.is_ok()).await;
    eventually(async || bench.has_handled("after")).await;
    bench.away.store(false, std::sync::atomic::Ordering::SeqCst);
    eventually(async || bench.has_handled("held")).await;
    assert_eq!(tries("held"), 1);
    bench.stop().await;
}
