//! While an instance starts, hangs or is down, its callers are told to come back.

use std::time::Duration;

use edge::{Route, StandIn};

use crate::support::{Answer, Calls, Edge, Instance, Mode, ask_with, post, route};

const ACME: &str = "acme.localhost";

fn is_served(answer: &Answer) -> bool {
    answer.status() == 200 && answer.says("I am acme")
}

fn is_told_to_wait(answer: &Answer) -> bool {
    answer.status() == 503 && answer.says("retry-after: ") && answer.says("x-rp9-waiting: ")
}

async fn pass(time: u64) {
    tokio::time::sleep(Duration::from_millis(time)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn an_instance_that_starts_again_is_never_a_404() {
    let acme = Instance::start("acme").await;
    let edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, is_served).await;
    let calls = Calls::to(edge.ports.web, ACME);
    for _ in 0..2 {
        // As long as an n8n needs before it listens, and at least as long until it knows its webhooks.
        acme.becomes(Mode::Down);
        pass(3_000).await;
        acme.becomes(Mode::Starting);
        pass(2_000).await;
        // Another tenant's change is another document, and with it everything begins anew in Traefik.
        edge.gateway.publish(vec![route(ACME, acme.address), route("new.localhost", acme.address)]);
        pass(2_000).await;
        edge.gateway.publish(vec![route(ACME, acme.address)]);
        acme.becomes(Mode::Ready);
        edge.until(ACME, is_served).await;
    }
    let seen = calls.end();
    // 502 for as long as it takes to see that it is gone.
    assert!(seen.keys().all(|status| [200, 502, 503].contains(status)), "{seen:?}");
    assert!(seen.get(&502).is_none_or(|times| *times <= 50), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn callers_of_what_is_not_ready_are_told_so_in_their_form() {
    let acme = Instance::start("acme").await;
    let edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, is_served).await;
    acme.becomes(Mode::Down);
    edge.until(ACME, is_told_to_wait).await;
    let browser = ask_with(edge.ports.web, ACME, "GET /", "Accept: text/html,*/*\r\n").await;
    assert!(
        is_told_to_wait(&browser) && browser.says("<!doctype html>") && browser.says("x-rp9-route: ten_")
    );
    // A body that nobody reads must not become an error of the proxy's.
    let long = post(edge.ports.web, ACME, "/webhook/x", &"x".repeat(4 << 20)).await;
    assert!(is_told_to_wait(&long), "{long:?}");
    // Nobody else's address says anything of the kind.
    assert_eq!(edge.call("other.localhost", "/").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn callers_of_who_is_suspended_are_told_so_and_no_call_is_refused_on_the_way() {
    let acme = Instance::start("acme").await;
    let active = route(ACME, acme.address);
    let edge = Edge::start(vec![active.clone()], &[]).await;
    edge.until(ACME, is_served).await;
    let calls = Calls::to(edge.ports.web, ACME);
    let suspended = Route { stand_in: Some(StandIn::Suspended), generation: 2, ..active.clone() };
    edge.gateway.publish(vec![suspended]);
    let is_told = |answer: &Answer| {
        let headers = ["retry-after: 300", "x-rp9-stand-in: suspended", "/suspended/2"];
        answer.status() == 503 && headers.iter().all(|header| answer.says(header))
    };
    edge.until(ACME, is_told).await;
    // What runs there or does not is nobody's affair meanwhile.
    acme.becomes(Mode::Down);
    let long = post(edge.ports.web, ACME, "/webhook/x", &"x".repeat(4 << 20)).await;
    assert!(is_told(&long) && long.says("is suspended"), "{long:?}");
    acme.becomes(Mode::Ready);
    edge.gateway.publish(vec![Route { generation: 3, ..active }]);
    edge.until(ACME, is_served).await;
    let seen = calls.end();
    assert!(seen.keys().eq([&200, &503]), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn what_a_flow_answers_passes_unchanged() {
    let acme = Instance::start("acme").await;
    let edge = Edge::start(vec![route(ACME, acme.address)], &[]).await;
    edge.until(ACME, is_served).await;
    for status in [404, 500, 502, 503, 504] {
        acme.becomes(Mode::Answers(status));
        for _ in 0..10 {
            let answer = edge.call(ACME, "/webhook/x").await;
            assert!(answer.status() == status && answer.says("a flow's answer"), "{answer:?}");
            pass(200).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn an_instance_that_hangs_is_left_alone_until_it_answers() {
    let acme = Instance::start("acme").await;
    let other = Instance::start("other").await;
    let routes = vec![route(ACME, acme.address), route("other.localhost", other.address)];
    let edge = Edge::start(routes, &[]).await;
    edge.until(ACME, is_served).await;
    acme.becomes(Mode::Hung);
    let neighbour = Calls::to(edge.ports.web, "other.localhost");
    pass(10_000).await;
    assert!(is_told_to_wait(&edge.call(ACME, "/").await));
    acme.becomes(Mode::Ready);
    edge.until(ACME, is_served).await;
    let seen = neighbour.end();
    assert!(seen.keys().eq([&200]), "{seen:?}");
}
