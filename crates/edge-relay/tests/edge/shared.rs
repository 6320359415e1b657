//! Tenants who share an n8n.

use std::time::{Duration, Instant};

use edge::{Route, StandIn};

use crate::support::{Calls, Edge, Instance, Mode, ask, part, shared};

const HOST: &str = "shared-1.localhost";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn of_five_hundred_who_share_an_n8n_it_is_asked_once_and_each_newcomer_is_there_in_time() {
    let n8n = Instance::start("shared").await;
    let base = shared(HOST, n8n.address);
    let mut routes = vec![base.clone()];
    routes.extend((0..500).map(|number| part(&base, number, 100_000)));
    let began = Instant::now();
    let edge = Edge::start(routes.clone(), &[]).await;
    edge.until("p499.localhost", |answer| answer.status() == 200).await;
    println!("everybody after {:?}", began.elapsed());
    let calls = Calls::to(edge.ports.web, "p7.localhost");
    let mut slowest = Duration::ZERO;
    for number in 500..510 {
        routes.push(part(&base, number, 100_000));
        edge.gateway.publish(routes.clone());
        let took = edge.until(&format!("p{number}.localhost"), |answer| answer.status() == 200).await;
        println!("one more after {took:?}");
        slowest = slowest.max(took);
    }
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    let seen = calls.end();
    assert!(seen.keys().eq([&200]), "{seen:?}");
    // Once a second, four times while there was doubt.
    let at_most = began.elapsed().as_secs() as usize * 4 + 8;
    assert!((1..=at_most).contains(&n8n.looks()), "{} looks, at most {at_most}", n8n.looks());
    for (mode, status) in [(Mode::Starting, 503), (Mode::Ready, 200)] {
        n8n.becomes(mode);
        let began = Instant::now();
        for host in ["p0.localhost", "p250.localhost", "p509.localhost"] {
            edge.until(host, |answer| answer.status() == status).await;
        }
        println!("{status} after {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_that_calls_more_than_its_plan_allows_is_refused_wherever_and_its_neighbour_is_not() {
    let n8n = Instance::start("shared").await;
    let base = shared(HOST, n8n.address);
    let routes = vec![base.clone(), part(&base, 1, 3), part(&base, 2, 1_000), part(&base, 3, 3)];
    let edge = Edge::start(routes, &[]).await;
    edge.until("p2.localhost", |answer| answer.status() == 200).await;
    let own = format!("/webhook/{:016}/x", 1);
    for path in ["/webhook/x", "/api/v1/workflows"] {
        for _ in 0..3 {
            assert_eq!(edge.call("p1.localhost", path).await.status(), 200, "{path}");
        }
        assert_eq!(edge.call("p1.localhost", path).await.status(), 429, "{path}");
    }
    // Wherever a webhook is called, and however that is spelled.
    assert_eq!(edge.call(HOST, &own).await.status(), 429);
    for path in ["/webhook/y", "/WEBHOOK/x", "//webhook/x", &own, "/form-test/x", "/mcp/x"] {
        assert_eq!(edge.call("p1.localhost", path).await.status(), 429, "{path}");
    }
    for _ in 0..50 {
        assert_eq!(edge.call("p2.localhost", "/webhook/x").await.status(), 200);
    }
    // One of the same plan has calls of its own.
    let theirs = format!("/webhook/{:016}/x", 3);
    for (host, path) in [("p3.localhost", "/webhook/x"), (HOST, &theirs), ("p3.localhost", "/form/x")] {
        assert_eq!(edge.call(host, path).await.status(), 200, "{host}{path}");
    }
    assert_eq!(edge.call(HOST, &theirs).await.status(), 429);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn the_platform_reaches_a_shared_n8n_that_is_ready_and_is_told_to_come_back_to_another() {
    let n8n = Instance::start("shared").await;
    let base = shared(HOST, n8n.address);
    let tenants = part(&base, 1, 1_000);
    let edge = Edge::start(vec![base.clone(), tenants.clone()], &[]).await;
    let api = format!("/{}/api/v1/workflows", base.tenant);
    let asked = |path: &str| {
        let (port, path) = (edge.ports.inner, path.to_owned());
        async move { ask(port, "traefik:8002", &path).await.status() }
    };
    edge.until("p1.localhost", |answer| answer.status() == 200).await;
    for path in [&api, &format!("{api}/a%2Fb%25/activate")] {
        assert_eq!(asked(path).await, 200, "{path}");
    }
    for elsewhere in ["/", "/api/v1/workflows", &format!("/{}/rest/login", base.tenant)] {
        assert_eq!(asked(elsewhere).await, 404, "{elsewhere}");
    }
    for (mode, status) in [(Mode::Starting, 503), (Mode::Ready, 200)] {
        n8n.becomes(mode);
        edge.until("p1.localhost", |answer| answer.status() == status).await;
        assert_eq!(asked(&api).await, status, "{mode:?}");
    }
    let resting = Route { stand_in: Some(StandIn::Suspended), generation: 2, ..base };
    edge.gateway.publish(vec![resting, tenants]);
    edge.until("p1.localhost", |answer| answer.status() == 503).await;
    assert_eq!(asked(&api).await, 503);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn whoever_asks_from_a_tenants_network_finds_no_n8n_by_the_platforms_way() {
    let n8n = Instance::start("shared").await;
    let base = shared(HOST, n8n.address);
    let routes = vec![base.clone(), part(&base, 1, 1_000)];
    let mut edge = Edge::start(routes, &[("TENANT_SUBNETS", "127.0.0.0/8")]).await;
    let api = format!("/{}/api/v1/workflows", base.tenant);
    edge.until("p1.localhost", |answer| answer.status() == 200).await;
    assert_eq!(ask(edge.ports.inner, "traefik:8002", &api).await.status(), 404);
    // Nor anything else before there is a document: what answers then is for callers.
    edge.relay.kill();
    edge.traefik.kill();
    edge.traefik.start_again();
    edge.traefik.has_started().await;
    edge.until("p1.localhost", |answer| answer.status() == 503).await;
    assert_eq!(ask(edge.ports.inner, "traefik:8002", &api).await.status(), 404);
}
