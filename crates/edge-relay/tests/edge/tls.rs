//! TLS at the edge, with certificates from a real authority.

use std::{
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use edge::Route;
use reqwest::{Client, redirect::Policy};

use crate::support::{Edge, Instance, Issuer, KEEPERS_PASSWORD, ask_with, route};

const NINETY_DAYS: u64 = 90 * 86_400;

/// A caller who trusts the issuer and nobody else, and finds every name at the edge.
async fn caller(issuer: &Issuer, hosts: &[&str]) -> Client {
    let edge = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let client = Client::builder().tls_certs_only([issuer.root().await]).redirect(Policy::none());
    // A connection of its own for each call, so that each sees the certificate of its moment.
    let client = client.pool_max_idle_per_host(0).tls_info(true).timeout(Duration::from_secs(5)).no_proxy();
    hosts.iter().fold(client, |client, host| client.resolve(host, edge)).build().unwrap()
}

/// What the instance said, and which certificate was shown; nothing if the caller does not trust it, or it is not served.
async fn call(client: &Client, port: u16, host: &str) -> Option<(reqwest::header::HeaderMap, Vec<u8>)> {
    let answer = client.get(format!("https://{host}:{port}/webhook/x")).send().await.ok()?;
    let shown = answer.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate()?.to_vec();
    answer.status().is_success().then(|| (answer.headers().clone(), shown))
}

/// What is shown once it is served by TLS: one call may be too slow on a machine that has much to do.
async fn served(edge: &Edge, client: &Client, host: &str) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let began = Instant::now();
    loop {
        if let Some(shown) = call(client, edge.ports.tls, host).await {
            return shown;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{host}\n{}\n{}",
            edge.traefik.logs(),
            edge.relay.logs()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Until it is served by TLS, and how long that took.
async fn is_served(edge: &Edge, client: &Client, host: &str) -> Duration {
    let began = Instant::now();
    served(edge, client, host).await;
    began.elapsed()
}

/// Until the relay's metrics say so.
async fn is_told(edge: &Edge, line: &str) {
    let began = Instant::now();
    while !edge.relay.metrics().await.says(line) {
        assert!(began.elapsed() < Duration::from_secs(30), "{line}\n{:?}", edge.relay.metrics().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn tenant(number: usize) -> String {
    format!("t{number}.flows.example")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn sixty_tenants_cost_the_issuer_one_order_and_no_restart_costs_another() {
    let acme = Instance::start("acme").await;
    let routes: Vec<Route> = (0..60).map(|number| route(&tenant(number), acme.address)).collect();
    let (mut edge, issuer) = Edge::start_with_issuer(routes[..1].to_vec(), NINETY_DAYS).await;
    let hosts: Vec<_> = (0..60).map(tenant).collect();
    let client = caller(&issuer, &hosts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // One after the other, each of them a document: also while the order is under way.
    for number in 2..=routes.len() {
        edge.gateway.publish(routes[..number].to_vec());
        is_told(&edge, &format!("rp9_edge_routes {number}\n")).await;
    }
    for host in &hosts {
        is_served(&edge, &client, host).await;
    }
    assert_eq!(issuer.orders(), 1);

    let kept = edge.traefik.kept();
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    edge.traefik.kill();
    edge.relay.kill();
    edge.relay.start();
    edge.traefik.start_again();
    edge.traefik.has_started().await;
    is_served(&edge, &client, &hosts[59]).await;
    assert_eq!(issuer.orders(), 1);

    who_calls_plainly_is_sent_to_tls(&edge, &hosts[0]).await;
    let (headers, _) = served(&edge, &client, &hosts[0]).await;
    assert_eq!(headers["strict-transport-security"], "max-age=600");
    is_told(&edge, "rp9_edge_certificates{kind=\"wildcard\",state=\"valid\"} 1").await;
    is_told(&edge, "rp9_edge_certificates_first_end_timestamp_seconds{kind=\"wildcard\"} 1").await;
    nothing_secret_is_in_the_logs(&edge);
}

async fn who_calls_plainly_is_sent_to_tls(edge: &Edge, host: &str) {
    for (method, status) in [("GET", 301), ("POST", 308)] {
        let answer = ask_with(edge.ports.web, host, &format!("{method} /webhook/x?a=b"), "").await;
        assert_eq!(answer.status(), status);
        let location = format!("location: https://{host}:{}/webhook/x?a=b\r\n", edge.ports.tls);
        assert!(answer.says(&location), "{answer:?}");
    }
    // The issuer's way, where nothing is ordered.
    let proof = ask_with(edge.ports.web, host, "GET /.well-known/acme-challenge/x", "").await;
    assert_eq!(proof.status(), 404);
}

/// Neither keys of certificates and accounts, nor what the keeper of the domain is shown.
fn nothing_secret_is_in_the_logs(edge: &Edge) {
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read(edge.traefik.kept()).unwrap()).unwrap();
    let mut secrets = vec![KEEPERS_PASSWORD.to_owned()];
    // A resolver that nothing was ordered from yet has no account.
    let used = kept.as_object().unwrap().values().filter(|resolver| !resolver["Account"].is_null());
    for resolver in used {
        secrets.push(resolver["Account"]["PrivateKey"].as_str().unwrap().to_owned());
        let certificates = resolver["Certificates"].as_array().unwrap();
        secrets.extend(certificates.iter().map(|one| one["key"].as_str().unwrap().to_owned()));
    }
    assert!(secrets.len() > 2);
    let logs = edge.traefik.logs() + &edge.relay.logs();
    assert!(logs.contains("Traefik is asked to order a certificate"), "{logs}");
    for secret in &secrets {
        assert!(!logs.contains(&secret[..24]), "{logs}");
    }
    assert!(!logs.contains("PRIVATE KEY"));
    // Said of a router, it would be said of it with each document.
    assert!(!logs.contains("No domain found in rule"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_customers_own_domain_has_its_certificate_once_it_leads_here() {
    let (flows, late) = ("flows.customer.example", "late.customer.example");
    let acme = Instance::start("acme").await;
    let routes = vec![route(&tenant(0), acme.address), route(flows, acme.address), route(late, acme.address)];
    let (edge, issuer) = Edge::start_with_issuer(routes[..1].to_vec(), NINETY_DAYS).await;
    let client = caller(&issuer, &[&tenant(0), flows, late]).await;
    issuer.name_goes(late).await;
    is_served(&edge, &client, &tenant(0)).await;
    edge.gateway.publish(routes);
    let took = is_served(&edge, &client, flows).await;
    assert_eq!((issuer.orders(), issuer.proofs_of(late)), (2, 0), "a name that leads nowhere is not ordered");

    issuer.name_returns(late).await;
    let later = is_served(&edge, &client, late).await;
    assert_eq!(issuer.orders(), 3);
    println!("a certificate after {took:?}, and {later:?} after its name returned");
}

/// Takes calls and does not answer them: real issuers too need some seconds to say no.
async fn silent(at: SocketAddr) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(at).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    })
}

/// Two domains that an issuer will not give a certificate for, while tenants come and go: one that never was right, and one whose name goes
/// away when it is served.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_domain_that_fails_is_ordered_seldom_and_others_are_served_renewed_and_ordered() {
    let (good, gone, wrong) = ("good.customer.example", "gone.customer.example", "wrong.customer.example");
    let acme = Instance::start("acme").await;
    let hosts = [&tenant(0), good, gone, wrong];
    let mut routes: Vec<_> = hosts.iter().map(|host| route(host, acme.address)).collect();
    // Renewed once less than 20 minutes are left of it, which Traefik looks for every minute.
    let (edge, issuer) = Edge::start_with_issuer(routes[..1].to_vec(), 1_230).await;
    issuer.name_leads(wrong, "127.0.0.9").await;
    let _silent = silent(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 9), edge.ports.web))).await;
    let client = caller(&issuer, &[&tenant(0), good, gone, wrong, "new.customer.example"]).await;
    edge.gateway.publish(routes.clone());
    for host in [&tenant(0), good, gone] {
        is_served(&edge, &client, host).await;
    }
    let shown = async |host: &str| served(&edge, &client, host).await.1;
    let before = [shown(&tenant(0)).await, shown(good).await];
    issuer.name_goes(gone).await;
    let proofs_of_gone = issuer.proofs_of(gone);
    let (mut documents, began) = (0, Instant::now());
    loop {
        // A document each time.
        routes[0].generation += 1;
        edge.gateway.publish(routes.clone());
        documents += 1;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = [shown(&tenant(0)).await, shown(good).await];
        if documents >= 300 && now.iter().zip(&before).all(|(now, before)| now != before) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(240), "{}", edge.traefik.logs());
    }
    let of_gone = issuer.proofs_of(gone) - proofs_of_gone;
    println!(
        "{documents} documents in {:?}: {} orders of who is wrong, {of_gone} of who is gone",
        began.elapsed(),
        issuer.proofs_of(wrong)
    );
    // Whoever is gone is renewed in vain with the others: by Traefik's clock, whatever the documents are.
    assert_eq!(issuer.proofs_of(wrong), 1, "{}", edge.traefik.logs());
    assert!(of_gone as u64 <= 1 + began.elapsed().as_secs() / 60, "{}", edge.traefik.logs());
    for state in ["valid\"} 1", "astray\"} 1", "missing\"} 1"] {
        is_told(&edge, &format!("rp9_edge_certificates{{kind=\"custom\",state=\"{state}")).await;
    }

    routes.push(route("new.customer.example", acme.address));
    edge.gateway.publish(routes);
    is_served(&edge, &client, "new.customer.example").await;
}
