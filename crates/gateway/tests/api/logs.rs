//! What a tenant's containers wrote, shown.

use common::{
    bus::Bus,
    error::{Classify, Kind},
};
use serde_json::Value;
use sqlx::PgPool;
use time::macros::datetime;
use tokio::sync::watch;
use wire::{AskLogs, LogLine, LoggedRole, Logs, MOST_LINES};

use crate::support::{Call, Claims, Follower, Platform, tenant, turn_to_answer};

/// Nothing runs for this tenant.
#[derive(Debug, thiserror::Error)]
#[error("nothing runs")]
struct Nothing;

impl Classify for Nothing {
    fn kind(&self) -> Kind {
        Kind::NotFound
    }
}

/// Answers like a provisioner on whose engine this tenant has a main and no worker.
fn provisioner(platform: &Platform, known: &str) {
    let (bus, stopping): (Bus, _) = (platform.bus.clone(), platform.tasks().stopping());
    let group: &'static str = Box::leak(format!("test-{known}").into_boxed_str());
    platform.tasks().spawn("provisioner", async move {
        let answer = async |asked: AskLogs| {
            if asked.role == Some(LoggedRole::Worker) {
                return Err(Nothing);
            }
            let at = datetime!(2026-08-01 12:00:00.123456789 UTC);
            let text =
                format!("asked for {} after {:?}", asked.tail, asked.after.map(|at| at.unix_timestamp()));
            let lines = vec![LogLine { instance: "rp9-main".into(), at, stream: "stdout".into(), text }];
            Ok(Logs { lines, truncated: asked.tail == 5 })
        };
        bus.answer(group, None, stopping, answer).await.unwrap();
    });
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_lines_are_shown_to_its_owner_and_each_look_is_noted(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    provisioner(&platform, &id);
    let owner = Claims::owner(&[&id]);
    let ask =
        async |query: &str| platform.send(Call::get(&format!("/tenants/acme/logs{query}")).by(&owner)).await;
    let mut shown = ask("?role=main&tail=5&after=2026-08-01T00:00:00Z").await;
    while shown.status == 503 {
        shown = ask("?role=main&tail=5&after=2026-08-01T00:00:00Z").await;
    }
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.json()["truncated"], true, "it is said that there are more");
    let line = &shown.json()["data"][0];
    assert_eq!(line["at"], "2026-08-01T12:00:00.123456789Z", "so that it can be asked on from there");
    assert_eq!(line["text"], "asked for 5 after Some(1785542400)");
    ask("?role=worker").await.assert_problem(404, "not_found");
    ask("?tail=0").await.assert_problem(422, "invalid_fields");
    let stranger = Claims::owner(&[&common::id::TenantId::generate().to_string()]);
    let denied = platform.send(Call::get("/tenants/acme/logs").by(&stranger)).await;
    denied.assert_problem(404, "not_found");
    platform.stop().await;
    let noted = "select count(*) from audit_logs where action = 'tenant.logs' and outcome = 'shown' and tenant_id is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(noted).fetch_one(&database).await.unwrap(), 1);
}

const START: time::OffsetDateTime = datetime!(2026-08-01 12:00 UTC);

fn line(second: usize) -> LogLine {
    let at = START + std::time::Duration::from_secs(second as u64);
    LogLine { instance: "rp9-main".into(), at, stream: "stdout".into(), text: format!("line {second}") }
}

/// Answers like a provisioner whose one container has written so many lines, one a second; none: it is gone.
fn writer(platform: &Platform, known: &str) -> watch::Sender<Option<usize>> {
    let (bus, stopping): (Bus, _) = (platform.bus.clone(), platform.tasks().stopping());
    let group: &'static str = Box::leak(format!("test-{known}").into_boxed_str());
    let (written, seen) = watch::channel(Some(3));
    platform.tasks().spawn("provisioner", async move {
        let answer = async |asked: AskLogs| {
            let lines = (0..seen.borrow().ok_or(Nothing)?).map(line);
            let mut lines: Vec<_> =
                lines.filter(|line| asked.after.is_none_or(|after| line.at > after)).collect();
            let surplus = lines.len().saturating_sub(asked.tail.into());
            lines.drain(..surplus);
            Ok::<_, Nothing>(Logs { lines, truncated: surplus > 0 })
        };
        bus.answer(group, None, stopping, answer).await.unwrap();
    });
    written
}

async fn texts(stream: &mut Follower, count: usize) -> Vec<Value> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.push(stream.next().await.expect("there is more").data["text"].clone());
    }
    texts
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn lines_are_told_as_they_are_written_until_there_is_nobody_to_write_them(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    let written = writer(&platform, &id);
    let ask = |query: &str| Call::get(&format!("/tenants/acme/logs?{query}")).by(&Claims::owner(&[&id]));
    while platform.send(ask("tail=1")).await.status == 503 {}
    let mut stream = platform.follow(ask("follow=true&tail=2")).await;
    assert_eq!(texts(&mut stream, 2).await, ["line 1", "line 2"]);
    written.send(Some(5)).unwrap();
    assert_eq!(texts(&mut stream, 2).await, ["line 3", "line 4"], "each once");
    // Somebody who was here before.
    let back = ask("follow=true").header("last-event-id", stream.last_id.to_string());
    let mut second = platform.follow(back).await;
    written.send(Some(6)).unwrap();
    assert_eq!(texts(&mut second, 1).await, ["line 5"]);
    assert_eq!(texts(&mut stream, 1).await, ["line 5"]);
    // More than is carried.
    let much = usize::from(MOST_LINES) + 10;
    written.send(Some(6 + much)).unwrap();
    assert_eq!(stream.next().await.unwrap().name.as_deref(), Some("gap"));
    assert_eq!(texts(&mut stream, 1).await, ["line 16"]);
    texts(&mut stream, usize::from(MOST_LINES) - 1).await;
    written.send(None).unwrap();
    assert_eq!(stream.reason().await, "gone");
    platform.stop().await;
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn who_follows_lines_is_told_when_the_gateway_stops(database: PgPool) {
    let _turn = turn_to_answer().await;
    let platform = Platform::with_bus(database.clone()).await;
    let create = Call::post("/tenants", &tenant("acme")).by_a("admin").signed();
    let id = platform.send(create).await.json()["tenant_id"].as_str().unwrap().to_owned();
    let _written = writer(&platform, &id);
    let ask = || Call::get("/tenants/acme/logs?follow=true").by_a("admin");
    while platform.send(Call::get("/tenants/acme/logs").by_a("admin")).await.status == 503 {}
    let mut stream = platform.follow(ask()).await;
    assert_eq!(texts(&mut stream, 3).await, ["line 0", "line 1", "line 2"]);
    platform.stop().await;
    assert_eq!(stream.reason().await, "stopping");
}
