//! Sending a held call on, through the edge, as its caller would have been led.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use edge::{
    Mark,
    document::{STAND_IN_HEADER, WAITING_HEADER},
    held::DELIVERY_HEADER,
};
use http::{HeaderValue, StatusCode, header::HOST};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::Url;

use crate::{
    call::Headers,
    store::{Answer, Claimed},
};

/// A workflow may run for as long; whoever waits for more does not learn how it ended.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15 * 60);
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// What is kept of an answer, in bytes.
const MOST_ANSWER: usize = 4 << 20;

/// What Traefik's refusals are known by.
const RATED: &str = "x-retry-in";
const IN_FLIGHT: &[u8] = b"max connections reached";

/// The edge, whatever host is asked for.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    edge: Url,
}

/// How it went.
#[derive(Debug)]
pub enum Sent {
    Answered(Answer),
    /// The edge's own page in the tenant's place, or its word that nobody has the host at this moment.
    Page,
    /// The edge's refusal: too many of the tenant's calls are under way, or came lately.
    Throttled,
    /// It was sent, and nothing came of it for as long as anybody waits.
    Silent,
    Unreached(String),
    BrokenOff(String),
}

impl Sender {
    /// Through the edge's entrypoint for tenants' callers, by this base URL of the inner network.
    pub fn through(edge: Url) -> Result<Self, reqwest::Error> {
        let resolver = TheEdge {
            host: edge.host_str().unwrap_or_default().to_owned(),
            port: edge.port_or_known_default().unwrap_or_default(),
        };
        let client = Client::builder()
            .dns_resolver(Arc::new(resolver))
            // The network between the two is the platform's own, and the host may not have its certificate yet.
            .danger_accept_invalid_certs(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECTS_WITHIN)
            .timeout(ANSWERS_WITHIN)
            .pool_idle_timeout(Duration::from_secs(30))
            .http1_only()
            .build()?;
        Ok(Self { client, edge })
    }

    /// Where this call is sent; `None` if it cannot be written so that it arrives as it came.
    pub fn url(&self, host: &str, target: &str) -> Option<Url> {
        let mut base = self.edge.clone();
        base.set_host(Some(host)).ok()?;
        let url = base.join(target).ok()?;
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let arrives = format!("{}{query}", url.path());
        (url.host_str() == Some(host) && arrives == target).then_some(url)
    }

    /// Sends it once.
    pub async fn send(&self, claimed: &Claimed) -> Sent {
        let call = &claimed.call;
        let Some(url) = self.url(call.host.as_str(), &call.target) else {
            return Sent::Unreached("its path cannot be written as it came".to_owned());
        };
        let mut headers = call.headers.to_map();
        headers.insert(DELIVERY_HEADER, claimed.deliveries.into());
        if let Ok(host) = HeaderValue::from_str(call.host.as_str()) {
            headers.insert(HOST, host);
        }
        let sent =
            self.client.request(call.method.clone(), url).headers(headers).body(call.body.clone()).send();
        match sent.await {
            Ok(answer) => read(answer).await,
            Err(error) if error.is_connect() => Sent::Unreached(told(&error)),
            Err(error) if error.is_timeout() => Sent::Silent,
            Err(error) => Sent::BrokenOff(told(&error)),
        }
    }
}

/// An error without its address, which has the call's path in it.
fn told(error: &reqwest::Error) -> String {
    std::error::Error::source(error).map_or_else(|| "the connection failed".to_owned(), ToString::to_string)
}

async fn read(mut answer: reqwest::Response) -> Sent {
    if is_page(&answer) {
        return Sent::Page;
    }
    let (status, headers) = (answer.status(), Headers::of(answer.headers()));
    let rated = answer.headers().contains_key(RATED);
    let mut body = Some(BytesMut::new());
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => keep(&mut body, &chunk),
            Ok(None) => break,
            // It has run, and begun to answer: sending it again would run it twice for the sake of the rest.
            Err(_) => body = None,
        }
        if body.is_none() {
            break;
        }
    }
    let body = body.map(BytesMut::freeze);
    if status == StatusCode::TOO_MANY_REQUESTS && is_the_edges(rated, body.as_ref()) {
        return Sent::Throttled;
    }
    Sent::Answered(Answer { status, headers, body })
}

/// What a route answers bears its mark; a host without a route is nobody's at this moment.
fn is_page(answer: &reqwest::Response) -> bool {
    let has = |name: &str| answer.headers().contains_key(name);
    match answer.status() {
        StatusCode::SERVICE_UNAVAILABLE => [WAITING_HEADER, STAND_IN_HEADER].iter().any(|name| has(name)),
        StatusCode::NOT_FOUND => !has(Mark::HEADER),
        _ => false,
    }
}

/// Traefik's two refusals: of whoever calls too often, which it says in a header, and of whoever has too much under way. Any other is a workflow's.
fn is_the_edges(rated: bool, body: Option<&Bytes>) -> bool {
    rated || body.is_some_and(|body| body.starts_with(IN_FLIGHT))
}

fn keep(body: &mut Option<BytesMut>, chunk: &Bytes) {
    if let Some(kept) = body {
        if kept.len() + chunk.len() > MOST_ANSWER {
            *body = None;
        } else {
            kept.extend_from_slice(chunk);
        }
    }
}

/// Every host is the edge's.
struct TheEdge {
    host: String,
    port: u16,
}

impl Resolve for TheEdge {
    fn resolve(&self, _: Name) -> Resolving {
        let (host, port) = (self.host.clone(), self.port);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), port)).await?.collect();
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_arrive_as_something_else_is_not_sent() {
        let sender = Sender::through("http://traefik:8000".parse().unwrap()).unwrap();
        let url = sender.url("acme.localhost", "/webhook/a%2Fb?x=%20&y").unwrap();
        assert_eq!(url.as_str(), "http://acme.localhost:8000/webhook/a%2Fb?x=%20&y");
        for target in [
            "/webhook/../rest/x",
            "/webhook/./x",
            "//evil.example/webhook/x",
            "/webhook/a\\b",
            "http://x/webhook/x",
        ] {
            assert_eq!(sender.url("acme.localhost", target), None, "{target}");
        }
    }
}
