//! A real DNS server on 127.0.0.1, asked over UDP and TCP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dns::{Dns as _, NameServers, Resolver, Unanswered};
use hickory_server::{
    Server,
    net::runtime::TokioRuntimeProvider,
    proto::rr::{
        Name, RData, Record,
        rdata::{CNAME, SOA, TXT},
    },
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, ZoneType},
};
use tokio::net::{TcpListener, UdpSocket};

type Zone = Arc<InMemoryZoneHandler<TokioRuntimeProvider>>;

/// Where it listens, the one zone that it is responsible for, and the server itself.
struct Servers {
    address: SocketAddr,
    zone: Zone,
    _server: Server<Catalog>,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl Servers {
    /// Responsible for `acme.example` and nothing else.
    async fn start() -> Self {
        let origin = name("acme.example.");
        let zone = InMemoryZoneHandler::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
        let zone: Zone = Arc::new(zone);
        let mut catalog = Catalog::new();
        catalog.upsert((&origin).into(), vec![zone.clone()]);
        let mut server = Server::new(catalog);
        // Whichever port is free for both.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 16);
        let servers = Self { address, zone, _server: server };
        let soa = SOA::new(origin.clone(), name("admin.acme.example."), 1, 60, 60, 60, 60);
        servers.add("acme.example.", RData::SOA(soa)).await;
        servers
    }

    async fn add(&self, owner: &str, data: RData) {
        self.zone.upsert(Record::from_rdata(name(owner), 60, data), 1).await;
    }

    fn resolver(&self) -> Resolver {
        Resolver::new(&NameServers::from(vec![self.address])).unwrap()
    }
}

fn text(parts: &[&str]) -> RData {
    RData::TXT(TXT::new(parts.iter().map(|part| (*part).to_owned()).collect()))
}

#[tokio::test]
async fn every_text_of_a_name_is_told_and_what_is_not_there_is_nothing() {
    let servers = Servers::start().await;
    let resolver = servers.resolver();
    let challenge = "_rp9-challenge.flows.acme.example";
    assert_eq!(resolver.texts(challenge).await, Ok(vec![]), "there is no such name");
    servers.add(&format!("{challenge}."), text(&["one"])).await;
    servers.add(&format!("{challenge}."), text(&["in ", "parts"])).await;
    let mut told = resolver.texts(challenge).await.unwrap();
    told.sort();
    assert_eq!(told, ["in parts", "one"], "what is new is told at once: nothing is remembered");

    servers
        .add("_rp9-challenge.other.acme.example.", RData::CNAME(CNAME(name(&format!("{challenge}.")))))
        .await;
    assert_eq!(resolver.texts("_rp9-challenge.other.acme.example").await.map(|texts| texts.len()), Ok(2));
    servers.add("plain.acme.example.", RData::A("192.0.2.1".parse().unwrap())).await;
    assert_eq!(resolver.texts("plain.acme.example").await, Ok(vec![]), "it has no texts");
}

#[tokio::test]
async fn every_address_that_a_name_leads_to_is_told_and_what_leads_nowhere_has_none() {
    let servers = Servers::start().await;
    let resolver = servers.resolver();
    assert_eq!(resolver.addresses("flows.acme.example").await, Ok([].into()), "there is no such name");
    servers.add("edge.acme.example.", RData::A("192.0.2.1".parse().unwrap())).await;
    servers.add("edge.acme.example.", RData::AAAA("2001:db8::1".parse().unwrap())).await;
    servers.add("flows.acme.example.", RData::CNAME(CNAME(name("edge.acme.example.")))).await;
    let expected = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
    assert_eq!(resolver.addresses("flows.acme.example").await, Ok(expected.into()));
    servers.add("plain.acme.example.", text(&["x"])).await;
    assert_eq!(resolver.addresses("plain.acme.example").await, Ok([].into()), "it has no addresses");
}

#[tokio::test]
async fn more_than_a_datagram_holds_comes_over_tcp() {
    let servers = Servers::start().await;
    for n in 0..40 {
        servers.add("many.acme.example.", text(&[&format!("{n}{}", "x".repeat(200))])).await;
    }
    assert_eq!(servers.resolver().texts("many.acme.example").await.map(|texts| texts.len()), Ok(40));
}

#[tokio::test]
async fn who_is_not_responsible_or_not_there_has_said_nothing() {
    let servers = Servers::start().await;
    let refused = servers.resolver().texts("elsewhere.example").await;
    assert_eq!(refused, Err(Unanswered::Refused("Query Refused".to_owned())));
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = Resolver::new(&NameServers::from(vec![silent.local_addr().unwrap()])).unwrap();
    assert!(resolver.texts("acme.example").await.is_err());
}
