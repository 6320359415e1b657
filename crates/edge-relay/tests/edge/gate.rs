//! A Traefik that starts answers nobody before it knows what.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::Client;

use crate::support::{Edge, Instance, Mode, PATIENCE, Ports, ask, route};

const ACME: &str = "acme.localhost";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_traefik_that_starts_behind_its_gate_is_never_a_404() {
    let acme = Instance::start("acme").await;
    let mut edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, |answer| answer.status() == 200).await;
    edge.traefik.kill();
    let (mut seen, mut began) = (BTreeMap::<u16, usize>::new(), None::<Instant>);
    let mut gate = edge.traefik.start_behind_gate(edge.ports);
    // As fast as one can, from before it listens until it has been well for a second.
    while began.is_none_or(|began| began.elapsed().as_secs() < 1) {
        gate.runs();
        let status = ask(edge.ports.web, ACME, "/").await.status();
        *seen.entry(status).or_default() += 1;
        if status == 200 {
            began.get_or_insert_with(Instant::now);
        }
    }
    assert!(seen.contains_key(&503) && seen.keys().all(|status| [0, 200, 503].contains(status)), "{seen:?}");
}

/// It takes no more of them as soon as it is told to, and goes on for as long as those take that it has.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn callers_of_one_that_stops_are_told_to_come_back() {
    let acme = Instance::start("acme").await;
    let mut edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    let mut gate = edge.traefik.start_behind_gate(edge.ports);
    edge.until(ACME, |answer| answer.status() == 200).await;
    acme.becomes(Mode::Hung);
    let waits = ask(edge.ports.web, ACME, "/");
    tokio::pin!(waits);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut waits).await.is_err());
    gate.is_told_to_stop();
    let stops = async {
        while !edge.traefik.logs().contains("Stopping server gracefully") {
            assert_ne!(ask(edge.ports.web, ACME, "/").await.status(), 0);
        }
    };
    assert!(tokio::time::timeout(PATIENCE, stops).await.is_ok(), "{}", edge.traefik.logs());
    for _ in 0..100 {
        assert_eq!(ask(edge.ports.web, ACME, "/").await.status(), 503);
    }
    gate.runs();
    assert!(tokio::time::timeout(Duration::ZERO, &mut waits).await.is_err(), "a call that it has is cut off");
}

/// Where TLS is spoken nobody can say 503 before there is a certificate: who calls is hung up on, and that is all.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn nor_is_it_one_by_tls() {
    let acme = Instance::start("acme").await;
    let ports = Ports::free();
    let mut edge = Edge::start_by_tls(ports, vec![route(ACME, acme.address)]).await;
    let client = Client::builder().tls_danger_accept_invalid_certs(true).pool_max_idle_per_host(0).no_proxy();
    let client = client.resolve(ACME, ([127, 0, 0, 1], 0).into()).build().unwrap();
    let call = async || {
        let answer = client.get(format!("https://{ACME}:{}/", ports.tls)).send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    };
    while call().await != 200 {}
    edge.traefik.kill();
    let (mut seen, mut began) = (BTreeMap::<u16, usize>::new(), None::<Instant>);
    let mut gate = edge.traefik.start_behind_gate(ports);
    while began.is_none_or(|began| began.elapsed().as_secs() < 1) {
        gate.runs();
        let status = call().await;
        *seen.entry(status).or_default() += 1;
        if status == 200 {
            began.get_or_insert_with(Instant::now);
        }
    }
    assert!(seen.keys().all(|status| [0, 200, 503].contains(status)), "{seen:?}");
}
