use std::{path::PathBuf, time::Duration};

use common::{
    id::TenantId,
    service::Readiness,
    tenant::{Color, Purpose},
};
use edge::{Route, Target, Tls};
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::accept::accept;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("rp9-relay-{}", Uuid::now_v7())))
    }

    fn memory(&self) -> Memory {
        Memory::at(self.0.clone()).unwrap()
    }

    fn relay(&self) -> Relay {
        self.relay_with(None)
    }

    fn relay_with(&self, tls: Option<Tls>) -> Relay {
        let waiting = "http://edge-relay:8082".parse().unwrap();
        let settings = Settings { tls, waiting, in_flight: 500, tenants: "10.201.0.0/16".parse().unwrap() };
        Relay::remember(self.memory(), settings, Readiness::default().latch("routes")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn snapshot(record: u128, hosts: std::ops::Range<usize>) -> Snapshot {
    let route = |number| Route {
        host: format!("t{number}.localhost").parse().unwrap(),
        tenant: TenantId::generate(),
        purpose: Purpose::Customer,
        targets: vec![Target {
            color: Color::Blue,
            url: "http://10.0.0.2:5678".parse().unwrap(),
            weight: 1,
            webhook_weight: None,
        }],
        workspace: None,
        formerly: None,
        stand_in: None,
        generation: 1,
    };
    Snapshot {
        record: RecordId::from_uuid(Uuid::from_u128(record)),
        routes: hosts.map(route).collect(),
        left: Vec::new(),
    }
}

/// The service that a host's calls go to.
fn leads_to(relay: &Relay, host: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(&relay.document()?.text).unwrap();
    let shares = &document["http"]["services"][host]["weighted"]["services"];
    shares[0]["name"].as_str().map(str::to_owned)
}

fn see_all(relay: &Relay, sighting: Sighting) {
    for (side, _, _) in relay.sides() {
        relay.note(&side, sighting);
    }
}

#[test]
fn a_stranger_is_not_followed_even_after_a_restart_until_a_person_accepts() {
    let folder = Folder::new();
    let relay = folder.relay();
    assert!(relay.offer(snapshot(1, 0..2)));
    assert!(!relay.offer(snapshot(2, 0..0)));
    let relay = folder.relay();
    relay.looked();
    assert!(!relay.offer(snapshot(2, 0..0)));
    assert!(leads_to(&relay, "t0.localhost").is_some());
    assert!(matches!(relay.report().refused, Some(Refusal::Stranger { .. })));
    let refused = folder.memory().refused().unwrap();
    assert_eq!(refused, relay.report().refused);
    folder.memory().accept(refused.unwrap()).unwrap();
    assert!(relay.offer(snapshot(2, 0..0)));
    assert!(relay.report().refused.is_none() && leads_to(&relay, "t0.localhost").is_none());
    assert_eq!(folder.memory().refused().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_persons_word_waits_for_what_it_is_on_and_they_are_told_what_became_of_it() {
    let folder = Folder::new();
    let (relay, memory) = (folder.relay(), folder.memory());
    assert!(relay.offer(snapshot(1, 0..40)));
    assert!(accept(&memory).await.is_err(), "nothing is refused");
    assert!(!relay.offer(snapshot(1, 0..0)));
    // Two gateways behind one name. The good one is heard first, and does not use up the word.
    let both = async {
        for _ in 0..3 {
            assert!(memory.accepted().unwrap().is_some());
            assert!(relay.offer(snapshot(1, 0..40)));
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert!(relay.offer(snapshot(1, 0..0)), "accepted");
    };
    let (accepted, ()) = tokio::join!(accept(&memory), both);
    assert_eq!(accepted.unwrap(), Refusal::Shrunk { lost: 40, of: 40 });
    assert!(relay.report().refused.is_none() && relay.report().routes == 0);
}

#[tokio::test(start_paused = true)]
async fn nobodys_word_is_left_lying_about() {
    let folder = Folder::new();
    let (relay, memory) = (folder.relay(), folder.memory());
    assert!(relay.offer(snapshot(1, 0..40)) && !relay.offer(snapshot(1, 0..0)));
    let error = accept(&memory).await.unwrap_err().to_string();
    assert!(error.contains("40 of 40 hosts are gone") && error.contains("10s"), "{error}");
    assert!(!relay.offer(snapshot(1, 0..0)), "it was given and not taken");
    // While they wait, something else is refused.
    let (accepted, _) = tokio::join!(accept(&memory), async { relay.offer(snapshot(2, 0..0)) });
    assert!(accepted.unwrap_err().to_string().contains("something else"));
}

#[tokio::test(start_paused = true)]
async fn a_persons_word_is_not_kept_for_what_comes_later() {
    let folder = Folder::new();
    let (relay, memory) = (folder.relay(), folder.memory());
    assert!(relay.offer(snapshot(1, 0..40)));
    assert!(!relay.offer(snapshot(1, 0..0)));
    let refused = Refusal::Shrunk { lost: 40, of: 40 };
    assert_eq!(relay.report().refused, Some(refused));
    // What they saw was the loss of all, and now it is another one.
    memory.accept(refused).unwrap();
    assert!(!relay.offer(snapshot(2, 0..0)) && memory.accepted().unwrap().is_none());
    // Healed by itself, and only then is it over.
    memory.accept(refused).unwrap();
    assert!(relay.offer(snapshot(1, 0..40)) && relay.report().refused.is_some());
    tokio::time::advance(Duration::from_secs(11)).await;
    relay.heard();
    assert!(relay.report().refused.is_none() && memory.accepted().unwrap().is_none());
    assert!(!relay.offer(snapshot(1, 0..0)));
}

#[test]
fn a_thousand_sides_that_change_together_are_one_document() {
    let folder = Folder::new();
    let relay = folder.relay();
    relay.offer(snapshot(1, 0..1_000));
    relay.document().unwrap();
    let made = |relay: &Relay| relay.state().made.as_ref().unwrap().version;
    let before = made(&relay);
    see_all(&relay, Sighting::Ready);
    assert_eq!(made(&relay), before, "nobody has asked yet");
    assert_eq!(leads_to(&relay, "t999.localhost").unwrap(), "t999.localhost_blue");
    assert_eq!(made(&relay), before + 1_000);
    let (first, second) = (relay.document().unwrap(), relay.document().unwrap());
    assert_eq!(first.text.as_ptr(), second.text.as_ptr(), "the same one while nothing changes");
}

#[test]
fn what_was_there_before_us_is_looked_at_first_and_what_is_published_is_ready() {
    let folder = Folder::new();
    let relay = folder.relay();
    assert!(relay.document().is_none());
    let first = snapshot(1, 0..1);
    relay.offer(first.clone());
    assert_eq!(leads_to(&relay, "t0.localhost").unwrap(), "waiting_page");
    see_all(&relay, Sighting::Ready);
    assert_eq!(leads_to(&relay, "t0.localhost").unwrap(), "t0.localhost_blue");
    let second = Snapshot { routes: [first.routes, snapshot(1, 1..2).routes].concat(), ..first };
    relay.offer(second);
    assert_eq!(leads_to(&relay, "t1.localhost").unwrap(), "t1.localhost_blue");
    let relay = folder.relay();
    assert!(relay.document().is_none(), "a Traefik that runs keeps what it has");
    see_all(&relay, Sighting::Ready);
    relay.looked();
    assert_eq!(leads_to(&relay, "t1.localhost").unwrap(), "t1.localhost_blue");
    see_all(&relay, Sighting::NotReady);
    see_all(&relay, Sighting::NotReady);
    assert_eq!(leads_to(&relay, "t1.localhost").unwrap(), "waiting_page");
    assert_eq!(relay.report().sides_waiting, 2);
}

/// However often the document changes meanwhile, and whether Traefik comes for it at once or later.
#[tokio::test(start_paused = true)]
async fn traefik_is_asked_for_a_certificate_from_when_it_hears_of_it_and_for_a_moment_only() {
    let folder = Folder::new();
    let domain: edge::Host = "localhost".parse().unwrap();
    let certificate = Certificate::Wildcard(domain.clone());
    let relay = folder.relay_with(Some(Tls {
        domain,
        port: 443,
        hsts_seconds: 0,
        orders_wildcard: true,
        orders_custom: true,
    }));
    relay.offer(snapshot(1, 0..1));
    let asked = || {
        let document: Value = serde_json::from_slice(&relay.document().unwrap().text).unwrap();
        document["http"]["routers"].get("*.localhost_certificate").is_some()
    };
    assert!(!asked() && !relay.is_asking());
    relay.ask([certificate].into());
    tokio::time::advance(Duration::from_mins(1)).await;
    for change in 1..8 {
        assert!(asked() && relay.is_asking(), "Traefik was away");
        relay.offer(snapshot(1, 0..change));
        tokio::time::advance(Duration::from_millis(250)).await;
    }
    tokio::time::advance(Duration::from_millis(250)).await;
    assert!(!asked() && !relay.is_asking());
}
