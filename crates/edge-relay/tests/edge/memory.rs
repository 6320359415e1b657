//! What was told last is served whoever is away, and no stranger is followed.

use std::time::Duration;

use crate::support::{Answer, Calls, Edge, Instance, ask_with, route};

const ACME: &str = "acme.localhost";

fn is_served(answer: &Answer) -> bool {
    answer.status() == 200 && answer.says("I am acme")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn what_was_told_last_outlives_relay_and_traefik_while_the_gateway_is_away() {
    let acme = Instance::start("acme").await;
    let mut edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, is_served).await;
    edge.gateway.goes_away();
    // The relay alone: nobody notices.
    let calls = Calls::to(edge.ports.web, ACME);
    edge.relay.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    edge.relay.start();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seen = calls.end();
    assert!(seen.keys().eq([&200]), "{seen:?}");
    // Both, as when the machine starts.
    edge.traefik.kill();
    edge.relay.kill();
    edge.traefik.start_again();
    edge.traefik.has_started().await;
    let calls = Calls::to(edge.ports.web, ACME);
    tokio::time::sleep(Duration::from_secs(1)).await;
    edge.relay.start();
    edge.until(ACME, is_served).await;
    let seen = calls.end();
    assert!(seen.keys().all(|status| [200, 503].contains(status)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_gateway_that_returns_is_heard_at_once() {
    let acme = Instance::start("acme").await;
    let edge = Edge::start(vec![route("first.localhost", acme.address)], &[]).await;
    edge.until("first.localhost", is_served).await;
    edge.gateway.goes_away();
    tokio::time::sleep(Duration::from_secs(20)).await;
    edge.gateway.publish(vec![route("first.localhost", acme.address), route(ACME, acme.address)]);
    let took = edge.until(ACME, is_served).await;
    // Questions that came ever later would be twenty seconds apart by now.
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn an_empty_record_takes_nobody_off_the_edge_until_a_person_says_so() {
    let acme = Instance::start("acme").await;
    let mut edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, is_served).await;
    assert!(edge.relay.metrics().await.says("rp9_edge_stranger 0"));
    edge.gateway.forgets_everything();
    let calls = Calls::to(edge.ports.web, ACME);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(edge.relay.metrics().await.says("rp9_edge_stranger 1"));
    // It is remembered whose routes these are.
    edge.relay.kill();
    edge.relay.start();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seen = calls.end();
    assert!(seen.keys().eq([&200]), "{seen:?}");
    assert!(edge.relay.metrics().await.says("rp9_edge_stranger 1"));
    edge.relay.accept();
    edge.until(ACME, |answer| answer.status() == 404).await;
    assert!(edge.relay.metrics().await.says("rp9_edge_stranger 0"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_restart_of_traefik_is_no_404() {
    let acme = Instance::start("acme").await;
    let edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, is_served).await;
    edge.traefik.kill();
    edge.traefik.start_again();
    edge.traefik.has_started().await;
    let calls = Calls::to(edge.ports.web, ACME);
    edge.until(ACME, is_served).await;
    let seen = calls.end();
    assert!(seen.keys().all(|status| [200, 503].contains(status)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_call_leaves_one_line_without_its_secrets() {
    let acme = Instance::start("acme").await;
    let acme_route = route(ACME, acme.address);
    let mark = acme_route.mark().unwrap().to_string();
    let edge = Edge::start(vec![acme_route], &[]).await;
    edge.until(ACME, is_served).await;
    let headers = "Authorization: Bearer hunter2\r\nCookie: n8n-auth=hunter3\r\nReferer: /hunter4\r\n";
    ask_with(edge.ports.web, ACME, "PUT /webhook/hunter5?token=hunter6", headers).await;
    let logs = edge.traefik.logs();
    let line = logs.lines().find(|line| line.contains("\"PUT\"")).expect("a line for the call");
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["downstream_X-Rp9-Route"], mark);
    assert_eq!((&line["RequestHost"], &line["DownstreamStatus"]), (&ACME.into(), &200.into()));
    assert!(!logs.contains("hunter"), "{logs}");
}
