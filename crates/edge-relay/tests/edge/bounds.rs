//! One tenant does not use up what all need.

use std::time::Duration;

use crate::support::{Edge, Instance, Mode, ask, route};

const ACME: &str = "acme.localhost";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_at_its_bound_is_refused_and_its_neighbour_is_not() {
    let acme = Instance::start("acme").await;
    let other = Instance::start("other").await;
    let routes = vec![route(ACME, acme.address), route("other.localhost", other.address)];
    let edge = Edge::start(routes, &[("EDGE_IN_FLIGHT", "3")]).await;
    edge.until(ACME, |answer| answer.status() == 200).await;
    edge.until("other.localhost", |answer| answer.status() == 200).await;
    acme.becomes(Mode::Hung);
    let web = edge.ports.web;
    let hanging: Vec<_> = (0..3)
        .map(|number| {
            #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
            tokio::spawn(async move { ask(web, &format!("{ACME}:{number}"), "/webhook/slow").await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // However the host is written.
    for host in [ACME, "acme.localhost:4", "ACME.localhost", "acme.localhost."] {
        let answer = edge.call(host, "/webhook/slow").await;
        assert!(
            answer.status() == 429 || (answer.status() == 404 && host.ends_with('.')),
            "{host}: {answer:?}"
        );
    }
    for _ in 0..20 {
        assert_eq!(edge.call("other.localhost", "/").await.status(), 200);
    }
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
}
