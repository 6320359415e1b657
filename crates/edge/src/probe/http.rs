//! Asking over HTTP, on the entrypoint that is not published.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, Url, header::HOST};

use super::{Edge, EdgeError};
use crate::{
    Host, Mark,
    document::{PROBE_PATH, WAITING_HEADER},
};

/// A proxy in the same network answers in milliseconds; one that needs longer is not confirming anything.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Every proxy of the edge, reached one by one.
#[derive(Debug, Clone)]
pub struct HttpEdge {
    client: Client,
    targets: Vec<Url>,
}

/// Why there is nothing to ask with.
#[derive(Debug, thiserror::Error)]
pub enum HttpEdgeError {
    #[error("the probe URL of the edge cannot be used: {0}")]
    Url(String),
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl HttpEdge {
    /// An edge of these proxies: the base URL of each one's entrypoint `probe`.
    pub fn new(bases: &[&str]) -> Result<Self, HttpEdgeError> {
        if bases.is_empty() {
            return Err(HttpEdgeError::Url("there is none".into()));
        }
        let targets = bases.iter().map(|base| target(base)).collect::<Result<_, _>>()?;
        // A redirect is an answer like any other here, and a kept connection would outlive a proxy's replacement.
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .map_err(HttpEdgeError::Client)?;
        Ok(Self { client, targets })
    }

    async fn ask(&self, target: &Url, host: &Host) -> Result<Response, EdgeError> {
        let request = self.client.get(target.clone()).header(HOST, host.as_str());
        request.send().await.map_err(|error| EdgeError::Unavailable(error.into()))
    }
}

/// What is asked of the proxy with this base URL.
pub(super) fn target(base: &str) -> Result<Url, HttpEdgeError> {
    let url = Url::parse(base).and_then(|url| url.join(PROBE_PATH));
    url.map_err(|error| HttpEdgeError::Url(error.to_string()))
}

pub(super) fn mark_of(answer: &Response) -> Option<&str> {
    answer.headers().get(Mark::HEADER).and_then(|value| value.to_str().ok())
}

fn not_yet(answer: &Response) -> EdgeError {
    EdgeError::NotYet {
        seen: format!("{} {}", answer.status().as_u16(), mark_of(answer).unwrap_or("no route")),
    }
}

#[async_trait]
impl Edge for HttpEdge {
    async fn confirm(&self, host: &Host, expected: Mark) -> Result<(), EdgeError> {
        for target in &self.targets {
            let answer = self.ask(target, host).await?;
            // The route is there, and nothing answers behind it: these two are the proxy's own, and the header is that of whoever
            // answers meanwhile. A 503 may be the honest answer of whoever holds a frozen tenant's calls.
            let deserted = [StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT].contains(&answer.status())
                || answer.headers().contains_key(WAITING_HEADER);
            if deserted || mark_of(&answer) != Some(expected.to_string().as_str()) {
                return Err(not_yet(&answer));
            }
        }
        Ok(())
    }

    async fn confirm_gone(&self, host: &Host) -> Result<(), EdgeError> {
        for target in &self.targets {
            let answer = self.ask(target, host).await?;
            if answer.status() != StatusCode::NOT_FOUND || mark_of(&answer).is_some() {
                return Err(not_yet(&answer));
            }
        }
        Ok(())
    }
}
