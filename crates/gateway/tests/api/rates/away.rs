//! Redis is away, or says nothing: each replica limits by itself, nobody waits for it twice, and it is used again once it answers.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{ask, limited_at, redis_url, somebody, until_it_says};
use crate::support::{Platform, eventually};

/// Something before Redis that passes everything on, or nothing at all while connections stay as they are.
struct Gate {
    url: String,
    open: watch::Sender<bool>,
    listener: TcpListener,
}

impl Gate {
    async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url: url::Url = redis_url().parse().unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        Self { url: url.to_string(), open: watch::Sender::new(false), listener }
    }

    /// Lets connections come; `open` says whether anything passes.
    fn start(self, platform: &Platform) -> watch::Sender<bool> {
        let Self { open, listener, .. } = self;
        let (tasks, gate) = (platform.tasks().clone(), open.clone());
        platform.tasks().spawn("gate", async move {
            let stopping = tasks.stopping();
            while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
                let (stopping, open) = (tasks.stopping(), gate.subscribe());
                let passing = pass(accepted.unwrap().0, open);
                tasks.spawn("gate-connection", async move {
                    stopping.run_until_cancelled(passing).await;
                });
            }
        });
        open
    }
}

async fn pass(mut from: TcpStream, mut open: watch::Receiver<bool>) {
    open.wait_for(|open| *open).await.unwrap();
    let url: url::Url = redis_url().parse().unwrap();
    let mut to = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap_or(6379))).await.unwrap();
    let closed = tokio::select! {
        _ = copy_bidirectional(&mut from, &mut to) => false,
        _ = open.wait_for(|open| !open) => true,
    };
    if closed {
        open.wait_for(|open| *open).await.unwrap();
    }
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn without_redis_each_replica_limits_by_itself_until_it_is_there(database: PgPool) {
    let gate = Gate::closed().await;
    let platform = limited_at(&database, &gate.url, &[("RATE_LIMIT_OWNER", "3")]).await;
    let who = somebody();
    for replica in [0, 1] {
        until_it_says(&platform, replica, "degraded").await;
        for expected in [200, 200, 200, 429, 429] {
            assert_eq!(ask(&platform, replica, &who).await, expected);
        }
    }
    let _open = gate.start(&platform).send_replace(true);
    for replica in [0, 1] {
        until_it_says(&platform, replica, "up").await;
    }
    let statuses =
        [ask(&platform, 0, &who).await, ask(&platform, 1, &who).await, ask(&platform, 0, &who).await];
    assert_eq!(statuses, [200, 200, 200], "what was counted by one alone is not counted again");
    assert_eq!(ask(&platform, 1, &who).await, 429);
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_redis_that_says_nothing_is_waited_for_once(database: PgPool) {
    let (gate, patience) = (Gate::closed().await, Duration::from_secs(1));
    let figures = [("RATE_LIMIT_OWNER", "100"), ("RATE_LIMIT_TIMEOUT_MS", "1000")];
    let platform = limited_at(&database, &gate.url, &figures).await;
    let open = gate.start(&platform);
    open.send_replace(true);
    until_it_says(&platform, 0, "up").await;
    let who = somebody();
    assert_eq!(ask(&platform, 0, &who).await, 200);
    open.send_replace(false);
    let begun = Instant::now();
    for _ in 0..30 {
        assert_eq!(ask(&platform, 0, &who).await, 200);
    }
    let took = begun.elapsed();
    assert!((patience..15 * patience).contains(&took), "thirty questions took {took:?}");
    until_it_says(&platform, 0, "degraded").await;
    open.send_replace(true);
    eventually(async || ask(&platform, 0, &who).await == 429).await;
    platform.stop().await;
}
