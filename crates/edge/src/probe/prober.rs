//! Looking at one side of a tenant through the proxy, whatever the proxy does with the tenant's calls meanwhile.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header::HOST};

use super::http::{HttpEdgeError, mark_of, target};
use crate::{
    Mark,
    document::SIDE_HEADER,
    health::{Side, Sighting},
};

/// n8n answers in milliseconds unless its only thread is busy.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Looks at sides through one proxy.
#[derive(Debug, Clone)]
pub struct Prober {
    client: Client,
    target: Url,
}

impl Prober {
    /// Through the proxy with this base URL of its entrypoint `probe`.
    pub fn through(base: &str) -> Result<Self, HttpEdgeError> {
        let client = Client::builder()
            .timeout(ANSWERS_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(HttpEdgeError::Client)?;
        Ok(Self { client, target: target(base)? })
    }

    /// Looks once.
    pub async fn look(&self, side: &Side, mark: Mark) -> Sighting {
        let request = self.client.get(self.target.clone());
        let asked = request.header(HOST, side.host.as_str()).header(SIDE_HEADER, side.color.as_str()).send();
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() && !error.is_connect() => return Sighting::Silent,
            Err(_) => return Sighting::NotSeen,
        };
        // Another mark is another route: the proxy has not got this one yet, or no longer.
        match answer.status() {
            _ if mark_of(&answer) != Some(mark.to_string().as_str()) => Sighting::NotSeen,
            StatusCode::OK => Sighting::Ready,
            _ => Sighting::NotReady,
        }
    }
}
