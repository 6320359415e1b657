//! Asking over HTTP, on the entrypoint that Prometheus asks, too.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{Client, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::{CallCounters, CountersError, Reading, read};

/// The figures of some thousand tenants are several megabytes.
const TIMEOUT: Duration = Duration::from_secs(8);

/// As whom: the one name that Traefik knows there (`deploy/lib/secrets.sh`).
const USER: &str = "prometheus";

/// One proxy's entrypoint `metrics`. Clones share the password.
#[derive(Debug, Clone)]
pub struct HttpCounters {
    client: Client,
    url: Url,
    password: Arc<RwLock<SecretString>>,
}

/// Why there is nothing to ask with.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made")]
pub struct HttpCountersError(#[source] reqwest::Error);

impl HttpCounters {
    /// The proxy that tells its metrics at this address to whoever knows this password.
    pub fn new(url: Url, password: SecretString) -> Result<Self, HttpCountersError> {
        let client = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        let client = client.no_proxy().build().map_err(HttpCountersError)?;
        Ok(Self { client, url, password: Arc::new(RwLock::new(password)) })
    }

    /// Goes on with another password.
    pub fn put(&self, password: SecretString) {
        *self.password.write().unwrap_or_else(PoisonError::into_inner) = password;
    }

    fn password(&self) -> SecretString {
        self.password.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl CallCounters for HttpCounters {
    async fn read(&self) -> Result<Reading, CountersError> {
        let away = |error: reqwest::Error| CountersError::Unavailable(error.without_url().into());
        let request =
            self.client.get(self.url.clone()).basic_auth(USER, Some(self.password().expose_secret()));
        let answer = request.send().await.map_err(away)?;
        if !answer.status().is_success() {
            return Err(CountersError::Refused(answer.status().as_u16()));
        }
        Ok(read(&answer.text().await.map_err(away)?)?)
    }
}
