//! Who reaches whom.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use engine::contract::{Stage, until};
use engine::{ContainerSpec, Health};
use ipnet::Ipv4Net;

use crate::outside::Place;

const PATIENCE: Duration = Duration::from_secs(60);

/// Outside of what the tests' tenants are given, and of what they are kept in.
const UNREST: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 204, 0, 0), 28);

/// Answers every connection on port 5678.
const SERVER: &str = "exec perl -MIO::Socket::INET -e '\
    my $s = IO::Socket::INET->new(LocalPort => 5678, Listen => 5, ReuseAddr => 1) or die; \
    while (my $c = $s->accept) { print $c \"served\\n\"; close $c }'";

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn tenants_reach_their_own_and_not_each_other() {
    let place = Place::prepare(5).await;
    place.setup.outside.add_shared("edge").await;
    place.setup.outside.add_shared("postgres").await;
    let one = Stage::with_network(&place.docker, &place.setup).await;
    let other = Stage::with_network(&place.docker, &place.setup).await;
    let server = serving(&one);
    let address = one.engine.ensure_running(&server).await.unwrap().address.unwrap();
    until("it listens", || async { one.container(&server.name).await.health == Health::Healthy }).await;

    // Within the tenant: by name, by alias, by address, and the shared containers by theirs.
    for host in [server.name.clone(), "n8n".to_owned(), address.to_string()] {
        assert!(reaches(&one, &host).await, "its own {host} is out of reach");
    }
    assert!(resolves(&one, "edge").await && resolves(&one, "postgres").await);
    assert!(!resolves(&one, "redis").await);

    // From another tenant: neither by name nor by address.
    assert!(!resolves(&other, &server.name).await && !resolves(&other, "n8n").await);
    assert!(!reaches(&other, &address.to_string()).await, "a tenant reaches another's container");
    // Nor while networks come and go: the engine takes the jump to its own rules out for a moment with each.
    let script = knocking(&address.to_string());
    let job = other.job(&script);
    let (outcome, ()) = tokio::join!(other.engine.run_once(&job, PATIENCE), unrest(&place));
    assert_eq!(outcome.unwrap().exit_code, 0, "a tenant reaches another's container while a network is made");
    one.strike().await;
    other.strike().await;
    place.clean().await;
}

pub fn serving(stage: &Stage<'_>) -> ContainerSpec {
    let mut spec = stage.main();
    spec.command = ["sh", "-c", SERVER].map(str::to_owned).into();
    if let Some(check) = &mut spec.health {
        check.argv = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5678"].map(str::to_owned).into();
    }
    spec
}

/// Tries to get in for ten seconds, each time for as long as a packet needs here; fails when it was let in.
fn knocking(address: &str) -> String {
    format!(
        "exec perl -MIO::Socket::INET -e '\
            my $end = time + 10; \
            while (time < $end) {{ \
                exit 1 if IO::Socket::INET->new(PeerAddr => q({address}), PeerPort => 5678, Timeout => 0.02); \
                select(undef, undef, undef, 0.002) }}'"
    )
}

/// Networks made and removed for twelve seconds.
async fn unrest(place: &Place) {
    let end = Instant::now() + Duration::from_secs(12);
    while Instant::now() < end {
        let name = format!("{}-unrest", place.setup.cluster);
        place.setup.outside.add_foreign_network(&name, UNREST).await;
        place.setup.outside.remove(&name).await;
    }
}

async fn reaches(stage: &Stage<'_>, host: &str) -> bool {
    let script = format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/5678; head -n 1 <&3' | grep -q served");
    succeeds(stage, &script).await
}

pub async fn resolves(stage: &Stage<'_>, host: &str) -> bool {
    succeeds(stage, &format!("timeout 5 getent hosts {host}")).await
}

pub async fn succeeds(stage: &Stage<'_>, script: &str) -> bool {
    stage.engine.run_once(&stage.job(script), PATIENCE).await.unwrap().exit_code == 0
}
