//! How often tenants were called, as Traefik tells it.

use std::collections::BTreeMap;

use edge::{
    StandIn,
    calls::{CallCounters as _, HttpCounters, Reading},
};

use crate::{
    shared::{B, BASE, MOVED, World},
    support::{Ports, ask},
};

const PORTS: Ports = Ports::from(28_040);

async fn call(host: &str, path: &str, times: usize) {
    for _ in 0..times {
        assert!(!ask(PORTS.web, host, path).await.is_empty(), "{host}{path}");
    }
}

/// By their hosts.
fn of_hosts(reading: &Reading) -> BTreeMap<String, u64> {
    let mut hosts = BTreeMap::new();
    for (way, calls) in &reading.calls {
        *hosts.entry(way.host().unwrap().as_str().to_owned()).or_default() += calls;
    }
    hosts
}

fn expected(hosts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    hosts.iter().map(|(host, calls)| ((*host).to_owned(), *calls)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn each_call_that_an_n8n_answered_is_counted_once_for_its_tenant() {
    let world = World::start(PORTS).await;
    let url = format!("http://127.0.0.1:{}/metrics", PORTS.metrics).parse().unwrap();
    let counters = HttpCounters::new(url, "password".into()).unwrap();
    call("own.localhost", "/", 3).await;
    call("a.localhost", "/webhook/x", 2).await;
    call("a.localhost", "/", 1).await;
    call("flows.a.example", "/form/x", 1).await;
    call(BASE, &format!("/webhook/{B}/x"), 1).await;
    call("moved.localhost", &format!("/webhook/{MOVED}/x"), 2).await;
    call(BASE, &format!("/webhook/{MOVED}/x"), 1).await;
    // What is refused, stood in for, and nobody's.
    call("own.localhost", "/metrics", 2).await;
    call("a.localhost", "/rest/users", 2).await;
    call(BASE, "/", 2).await;
    call("s.localhost", "/", 2).await;
    call("nobody.localhost", "/", 2).await;
    let reading = counters.read().await.unwrap();
    let hosts = [
        ("a.localhost", 3),
        ("b.localhost", 1),
        ("flows.a.example", 1),
        ("moved.localhost", 3),
        ("own.localhost", 3),
    ];
    assert_eq!(of_hosts(&reading), expected(&hosts));

    // While a page stands in for it nothing is counted; then its way begins anew, without the proxy having.
    world.change("own.localhost", |route| route.stand_in = Some(StandIn::Suspended)).await;
    call("own.localhost", "/", 5).await;
    counters.read().await.unwrap();
    assert!(!of_hosts(&counters.read().await.unwrap()).contains_key("own.localhost"));
    world.change("own.localhost", |route| route.stand_in = None).await;
    call("own.localhost", "/", 1).await;
    let again = counters.read().await.unwrap();
    assert_eq!((of_hosts(&again)["own.localhost"], again.started_at), (1, reading.started_at));
}
