//! Many tenants: none of them is out of sight.

use std::time::Instant;

use crate::support::{Edge, Instance, Mode, route};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn of_a_thousand_tenants_each_is_seen_to_fail_and_to_come_back() {
    let (many, few) = (Instance::start("many").await, Instance::start("few").await);
    let hosts: Vec<_> = (0..10).map(|number| format!("few{number}.localhost")).collect();
    let others = (0..990).map(|number| route(&format!("t{number}.localhost"), many.address));
    let routes = hosts.iter().map(|host| route(host, few.address)).chain(others).collect();
    let edge = Edge::start(routes, &[]).await;
    for (mode, status) in [(Mode::Ready, 200), (Mode::Starting, 503), (Mode::Ready, 200)] {
        few.becomes(mode);
        let began = Instant::now();
        for host in &hosts {
            edge.until(host, |answer| answer.status() == status).await;
        }
        // A second until each is looked at, a round until it is looked at again, half a second until Traefik knows; at first the
        // relay and Traefik start. A busy machine takes longer, and whoever is not looked at waits for ever.
        println!("{status} after {:?}", began.elapsed());
    }
    assert_eq!(edge.call("t989.localhost", "/").await.status(), 200);
}
