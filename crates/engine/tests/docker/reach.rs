//! Who reaches whom.

use std::time::Duration;

use engine::contract::{Stage, until};
use engine::{ContainerSpec, Health};

use crate::outside::Place;

const PATIENCE: Duration = Duration::from_secs(60);

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
    one.strike().await;
    other.strike().await;
    place.clean().await;
}

fn serving(stage: &Stage<'_>) -> ContainerSpec {
    let mut spec = stage.main();
    spec.command = ["sh", "-c", SERVER].map(str::to_owned).into();
    if let Some(check) = &mut spec.health {
        check.argv = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5678"].map(str::to_owned).into();
    }
    spec
}

async fn reaches(stage: &Stage<'_>, host: &str) -> bool {
    let script = format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/5678; head -n 1 <&3' | grep -q served");
    succeeds(stage, &script).await
}

async fn resolves(stage: &Stage<'_>, host: &str) -> bool {
    succeeds(stage, &format!("timeout 5 getent hosts {host}")).await
}

async fn succeeds(stage: &Stage<'_>, script: &str) -> bool {
    stage.engine.run_once(&stage.job(script), PATIENCE).await.unwrap().exit_code == 0
}
