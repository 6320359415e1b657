//! Asking the gateway for its routes, again and again.

use std::time::Duration;

use common::{
    error::chain,
    service::{Interval, Round, Tasks},
};
use edge::{EdgeToken, Snapshot};
use reqwest::{
    Client, Response, StatusCode,
    header::{AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH},
};
use url::Url;

use crate::relay::Relay;

/// A switch of a tenant is to be through within a second; when nothing has changed, an answer has no body.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// After a failure. It does not grow: one small client is no burden, and whoever waits for a route is waiting for this.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The gateway, as far as it tells routes.
pub struct Gateway {
    client: Client,
    url: Url,
    /// Of the routes that are followed.
    tag: Option<HeaderValue>,
}

/// Why no routes were told.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the token does not go into a header")]
    Token,
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    #[error("the gateway does not answer")]
    Away(#[source] reqwest::Error),
    #[error("the gateway answers with {0}")]
    Refused(StatusCode),
    #[error("what the gateway answers does not read")]
    Garbled(#[source] reqwest::Error),
    #[error("what the gateway tells cannot be looked at")]
    Broken(#[source] tokio::task::JoinError),
}

impl Gateway {
    /// The gateway that tells its routes here, to whoever shows this token.
    pub fn new(url: Url, token: &EdgeToken) -> Result<Self, FollowError> {
        let mut shown: HeaderValue = token.authorization().parse().map_err(|_| FollowError::Token)?;
        shown.set_sensitive(true);
        let client = Client::builder()
            .timeout(ANSWERS_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, shown)]))
            .no_proxy()
            .build()
            .map_err(FollowError::Client)?;
        Ok(Self { client, url, tag: None })
    }

    async fn ask(&self) -> Result<Option<(Snapshot, Option<HeaderValue>)>, FollowError> {
        let mut request = self.client.get(self.url.clone());
        if let Some(tag) = &self.tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let answer: Response = request.send().await.map_err(FollowError::Away)?;
        match answer.status() {
            StatusCode::NOT_MODIFIED => Ok(None),
            StatusCode::OK => {
                let tag = answer.headers().get(ETAG).cloned();
                answer.json().await.map(|snapshot| Some((snapshot, tag))).map_err(FollowError::Garbled)
            }
            status => Err(FollowError::Refused(status)),
        }
    }

    /// Asks once and hands over what is new.
    async fn pass_on(&mut self, relay: &Relay) -> Result<(), FollowError> {
        match self.ask().await? {
            None => relay.heard(),
            // What was refused is asked for whole again: it may be accepted by then.
            Some((snapshot, tag)) => {
                let relay = relay.clone();
                // It waits for the disk.
                let offered = tokio::task::spawn_blocking(move || relay.offer(snapshot));
                let followed = offered.await.map_err(FollowError::Broken)?;
                self.tag = tag.filter(|_| followed);
            }
        }
        Ok(())
    }
}

/// Follows the gateway until the process stops.
pub fn follow(tasks: &Tasks, relay: Relay, gateway: Gateway) {
    let often = Interval::new("follow", ASK_EVERY).after_failure(ASK_AGAIN_AFTER).silent();
    tasks.every(often, Following { relay, gateway, away: false });
}

struct Following {
    relay: Relay,
    gateway: Gateway,
    away: bool,
}

impl Round for Following {
    type Error = FollowError;

    async fn run(&mut self) -> Result<(), FollowError> {
        let asked = self.gateway.pass_on(&self.relay).await;
        tell(&asked, self.away, self.relay.has_heard());
        self.away = asked.is_err();
        asked
    }
}

/// Only what has changed. That a gateway which starts with us is not there yet is nothing to worry about.
fn tell(asked: &Result<(), FollowError>, was_away: bool, heard: bool) {
    match asked {
        Ok(()) if was_away => tracing::info!("the gateway tells its routes"),
        Err(FollowError::Away(_) | FollowError::Refused(StatusCode::SERVICE_UNAVAILABLE))
            if !heard && !was_away =>
        {
            tracing::info!("waiting for the gateway");
        }
        Err(error) if !was_away => {
            tracing::warn!(error = chain(error), "the gateway tells no routes; the last ones are served");
        }
        Ok(()) | Err(_) => {}
    }
}
