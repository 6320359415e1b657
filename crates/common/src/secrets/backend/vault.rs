//! HashiCorp Vault or OpenBao: one path of a key-value engine (version 2), entered by AppRole.
//!
//! A login is renewed when two thirds of its time are over; when its role lets it live no longer, or it was revoked, it is made anew.

mod config;
mod login;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Backend, BackendError, below, http};
use crate::config::Secrets;

pub use config::VaultConfig;
use login::{Answer, Login, SecretId};

/// A login is not looked after more often than this, however short it is.
const SOONEST: Duration = Duration::from_secs(1);

/// The backend, as one service sees it.
pub struct Vault {
    client: Client,
    config: VaultConfig,
    path: String,
    secret_id: SecretId,
    login: Option<Login>,
}

impl Vault {
    /// What the service has under `rp9/<service>`, if nothing else was said.
    pub fn new(mut config: VaultConfig, service: &str) -> Result<Self, BackendError> {
        let client = http::client(config.authorities.take())?;
        let path = config.path.take().unwrap_or_else(|| format!("rp9/{service}"));
        let secret_id = SecretId::new(config.secret_id.clone(), config.wrapped);
        Ok(Self { client, config, path, secret_id, login: None })
    }

    /// A request to this path of the API, such as `auth/token/renew-self`.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = below(&self.config.address, std::iter::once("v1").chain(path.split('/')));
        let request = self.client.request(method, url).header("X-Vault-Request", "true");
        match &self.config.namespace {
            Some(namespace) => request.header("X-Vault-Namespace", namespace),
            None => request,
        }
    }

    /// Sees to it that there is a login that lasts.
    async fn enter(&mut self) -> Result<(), BackendError> {
        let now = Instant::now();
        match self.login.take() {
            Some(login) if now < login.renew_at => self.login = Some(login),
            Some(login) if now < login.ends_at => {
                let next = self.renew(&login).await;
                // It is good still, and is renewed the next time.
                self.login = Some(login);
                self.login = Some(next?);
            }
            _ => self.login = Some(self.log_in().await?),
        }
        Ok(())
    }

    async fn renew(&mut self, login: &Login) -> Result<Login, BackendError> {
        let renewal = self.request(Method::POST, "auth/token/renew-self");
        let renewal = renewal.header("X-Vault-Token", login.token.expose_secret());
        match http::ask::<Answer>("renew the login", renewal).await {
            Ok(answer) => match login.renewed(answer.auth) {
                Some(login) => Ok(login),
                None => self.log_in().await,
            },
            Err(error @ BackendError::Away(_)) => Err(error),
            // It may live no longer, which some servers answer with a 500, or was revoked.
            Err(_) => self.log_in().await,
        }
    }

    async fn log_in(&mut self) -> Result<Login, BackendError> {
        let unwrap = self.request(Method::POST, "sys/wrapping/unwrap");
        let secret_id = self.secret_id.read(unwrap).await?;
        let body =
            serde_json::json!({ "role_id": self.config.role_id, "secret_id": secret_id.expose_secret() });
        let path = format!("auth/{}/login", self.config.auth_mount);
        let answer: Answer = http::ask("log in", self.request(Method::POST, &path).json(&body)).await?;
        Ok(Login::new(answer.auth))
    }

    async fn fetch(&self) -> Result<Secrets, BackendError> {
        let path = format!("{}/data/{}", self.config.kv_mount, self.path);
        let mut request = self.request(Method::GET, &path);
        if let Some(login) = &self.login {
            request = request.header("X-Vault-Token", login.token.expose_secret());
        }
        let answer: Document = http::ask("read the secrets", request).await?;
        answer.data.data.into_iter().map(text).collect()
    }
}

/// What a key-value engine answers.
#[derive(Deserialize)]
struct Document {
    data: Version,
}

#[derive(Deserialize)]
struct Version {
    data: Map<String, Value>,
}

fn text((name, value): (String, Value)) -> Result<(String, String), BackendError> {
    match value {
        Value::String(text) => Ok((name, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(BackendError::NotText(name))
        }
    }
}

#[async_trait]
impl Backend for Vault {
    async fn read(&mut self) -> Result<Secrets, BackendError> {
        self.enter().await?;
        match self.fetch().await {
            // The login may have been revoked, or be unknown to a server that was put back. Only a new one tells that from a role that
            // may not read here.
            Err(BackendError::Refused { .. }) => {
                self.login = None;
                self.enter().await?;
                self.fetch().await
            }
            other => other,
        }
    }

    fn again_within(&self) -> Option<Duration> {
        let login = self.login.as_ref()?;
        login.ends.then(|| login.renew_at.saturating_duration_since(Instant::now()).max(SOONEST))
    }
}
