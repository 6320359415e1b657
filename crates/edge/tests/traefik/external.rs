//! An n8n that somebody else runs, below a path of theirs and under their own name.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use common::id::TenantId;
use common::tenant::{Color, Purpose};
use edge::{Edge as _, ExternalUrl, HttpEdge, Route, Settings, Target, document};
use serde_json::json;

use crate::shared::A;
use crate::support::{Ports, Traefik, ask_from, serve, status, until};

const PORTS: Ports = Ports::from(28_340);

fn routes(n8n: &ExternalUrl) -> [Route; 2] {
    let [instance, tenant] = [(); 2].map(|()| TenantId::generate());
    let there = Route {
        host: "theirs.localhost".parse().unwrap(),
        tenant: instance,
        purpose: Purpose::Shared,
        targets: vec![Target { color: Color::Blue, url: n8n.into(), weight: 1, webhook_weight: None }],
        workspace: None,
        formerly: None,
        stand_in: None,
        generation: 1,
    };
    let workspace = json!({ "instance": instance, "prefix": A, "user": uuid::Uuid::from_u128(1),
        "address": "https://acme.localhost", "calls_per_hour": 1000 });
    let part = Route {
        host: "acme.localhost".parse().unwrap(),
        tenant,
        purpose: Purpose::Customer,
        targets: vec![],
        workspace: Some(serde_json::from_value(workspace).unwrap()),
        ..there.clone()
    };
    [there, part]
}

async fn ask(host: &str, path: &str) -> String {
    ask_from(Ipv4Addr::LOCALHOST.into(), PORTS.web, host, path, "Connection: close\r\n").await
}

#[tokio::test]
#[ignore = "needs Docker with Traefik's image: deploy/test"]
async fn a_tenants_calls_reach_it_below_its_path_by_its_name_and_in_the_tenants_part() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let n8n = serve(|request| request.to_owned()).await;
    let url: ExternalUrl = format!("http://{n8n}/flows/n8n").parse().unwrap();
    let routes = routes(&url);
    let settings = Settings {
        tls: None,
        waiting: serve(|_| "waiting".to_owned()).await.into(),
        in_flight: 500,
        tenants: "127.201.0.0/16".parse().unwrap(),
    };
    let told = document(&routes, |_, _| true, &BTreeSet::new(), &settings).to_string();
    let provider: SocketAddr = serve(move |_| told.clone()).await;
    let traefik = Traefik::start(provider, PORTS);
    let edge = HttpEdge::new(&[&format!("http://127.0.0.1:{}", PORTS.probe)]).unwrap();
    for route in &routes {
        let mark = route.mark().unwrap();
        until(|| edge.confirm(&route.host, mark)).await;
    }

    for (path, reached) in [
        ("/webhook/orders?id=7", format!("/flows/n8n/webhook/{A}/orders?id=7")),
        ("/rest/login", "/flows/n8n/rest/login".to_owned()),
        ("/", "/flows/n8n/".to_owned()),
    ] {
        let answer = ask("acme.localhost", path).await;
        assert_eq!(status(&answer), "200", "{path}: {}", traefik.logs());
        assert!(answer.contains(&format!("GET {reached} HTTP/1.1")), "{path}: {answer}");
        let answer = answer.to_ascii_lowercase();
        assert!(answer.contains(&format!("\r\nhost: {n8n}\r\n")), "{answer}");
        assert!(answer.contains("x-forwarded-host: acme.localhost"), "{answer}");
        assert!(
            answer
                .contains("x-rp9-shared-tenant: 00000000-0000-0000-0000-000000000001 https://acme.localhost")
        );
    }
    let own = ask("theirs.localhost", &format!("/webhook/{A}/orders")).await;
    assert!(own.contains(&format!("GET /flows/n8n/webhook/{A}/orders HTTP/1.1")), "{own}");
    assert_eq!(status(&ask("theirs.localhost", "/rest/login").await), "404");
}
