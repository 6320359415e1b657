use std::path::PathBuf;

use common::{id::TenantId, service::Readiness, tenant::Color};
use edge::{Route, Target};
use serde_json::Value;
use uuid::Uuid;

use super::*;

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
        let waiting = "http://edge-relay:8082".parse().unwrap();
        let settings = Settings { tls: None, waiting, in_flight: 500 };
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
        targets: vec![Target { color: Color::Blue, url: "http://10.0.0.2:5678".parse().unwrap(), weight: 1 }],
        generation: 1,
    };
    Snapshot { record: RecordId::from_uuid(Uuid::from_u128(record)), routes: hosts.map(route).collect() }
}

/// The service that a host's calls go to.
fn leads_to(relay: &Relay, host: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(&relay.document()?).unwrap();
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
    folder.memory().accept().unwrap();
    assert!(relay.offer(snapshot(2, 0..0)));
    assert!(relay.report().refused.is_none() && leads_to(&relay, "t0.localhost").is_none());
}

#[test]
fn a_persons_word_is_not_kept_for_what_comes_later() {
    let folder = Folder::new();
    let relay = folder.relay();
    assert!(relay.offer(snapshot(1, 0..40)));
    folder.memory().accept().unwrap();
    assert!(!relay.offer(snapshot(1, 0..0)));
    assert!(matches!(relay.report().refused, Some(Refusal::Shrunk { lost: 40, of: 40 })));
    // What they saw was the loss of all, and now it is another one.
    folder.memory().accept().unwrap();
    assert!(!relay.offer(snapshot(2, 0..0)));
    // Healed by itself.
    assert!(relay.offer(snapshot(1, 0..40)) && relay.report().refused.is_none());
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
