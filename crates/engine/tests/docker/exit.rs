//! A network without an exit, from inside: a container that tries.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::time::Duration;

use bollard::exec::{CreateExecOptions, StartExecOptions};
use bollard::query_parameters::InspectContainerOptions;
use engine::contract::{Stage, until};
use engine::{Health, NetworkSpec};

use crate::outside::Place;
use crate::reach::{resolves, serving, succeeds};

const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who is there for everybody, as far as these tests' machine reaches the world at all.
const WORLD: &str = "deb.debian.org";

#[tokio::test]
#[ignore = "needs a Docker engine: deploy/test"]
async fn whoever_is_in_a_network_without_an_exit_reaches_what_is_in_it_and_nothing_else() {
    let place = Place::prepare(6).await;
    place.add_serving("edge", 8000).await;
    place.add_serving("postgres", 5432).await;
    let other = Stage::with_network(&place.docker, &place.setup).await;
    let mut closed = Stage::new(&place.docker, &place.setup);
    closed.network = NetworkSpec { has_exit: false, ..closed.network };
    closed.engine.ensure_network(&closed.network).await.unwrap();
    let (server, theirs) = (serving(&closed), serving(&other));
    let own = closed.engine.ensure_running(&server).await.unwrap().address.unwrap();
    let foreign = other.engine.ensure_running(&theirs).await.unwrap().address.unwrap();
    for (stage, spec) in [(&closed, &server), (&other, &theirs)] {
        until("it listens", || async { stage.container(&spec.name).await.health == Health::Healthy }).await;
    }

    // As always: its servers by their names, its own by theirs, and the edge comes in.
    assert!(says(&closed, "postgres", 5432, "postgres").await);
    assert!(says(&closed, &server.name, 5678, "served").await && says(&closed, "n8n", 5678, "served").await);
    assert!(edge_reaches(&place, own).await);

    // Not through the edge: there everybody's addresses are answered.
    assert!(resolves(&closed, "edge").await);
    assert!(!says(&closed, "edge", 8000, "edge").await, "it calls the edge");

    // Nobody outside, by whatever name or address; and the same tries come through where there is an exit.
    let host = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = host.local_addr().unwrap().port();
    assert!(!says(&closed, &foreign.to_string(), 5678, "served").await, "it reaches another tenant");
    let gateway = closed.network.subnet.hosts().next().unwrap();
    for address in own_addresses().into_iter().chain([gateway]) {
        assert!(!connects(&closed, &address.to_string(), port).await, "it reaches this machine at {address}");
    }
    assert!(!resolves(&closed, WORLD).await, "names of the world are told");
    assert!(!connects(&closed, "1.1.1.1", 53).await);
    assert!(
        resolves(&other, WORLD).await,
        "this machine knows no names: nothing is proven of those that sandboxes do not learn"
    );

    let shown = place.api.inspect_container(&server.name, None::<InspectContainerOptions>).await.unwrap();
    assert_eq!(shown.host_config.unwrap().dns, Some(vec!["127.0.0.1".to_owned()]));
    closed.strike().await;
    other.strike().await;
    place.clean().await;
}

/// The machine's own, as far as it sends from one: nothing is sent for it.
fn own_addresses() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().unwrap().ip() {
        std::net::IpAddr::V4(address) => Some(address),
        std::net::IpAddr::V6(_) => None,
    }
}

async fn connects(stage: &Stage<'_>, host: &str, port: u16) -> bool {
    succeeds(stage, &format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/{port}'")).await
}

async fn says(stage: &Stage<'_>, host: &str, port: u16, word: &str) -> bool {
    let script =
        format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/{port}; head -n 1 <&3' | grep -q {word}");
    succeeds(stage, &script).await
}

async fn edge_reaches(place: &Place, address: Ipv4Addr) -> bool {
    let script =
        format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{address}/5678; head -n 1 <&3' | grep -q served");
    let options =
        CreateExecOptions { cmd: Some(vec!["sh".to_owned(), "-c".to_owned(), script]), ..Default::default() };
    let edge = format!("{}-edge", place.setup.cluster);
    let exec = place.api.create_exec(&edge, options).await.unwrap().id;
    place.api.start_exec(&exec, Some(StartExecOptions { detach: true, ..Default::default() })).await.unwrap();
    let ended = async {
        loop {
            let seen = place.api.inspect_exec(&exec).await.unwrap();
            if seen.running == Some(false) {
                return seen.exit_code == Some(0);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap()
}
