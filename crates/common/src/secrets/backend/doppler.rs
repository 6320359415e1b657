//! Doppler: the secrets of one config, by its HTTP API.

use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use url::Url;

use super::{Backend, BackendError, address, below, http};
use crate::config::{Env, Given, Secrets, Section};

/// Which config.
#[derive(Debug)]
pub struct DopplerConfig {
    address: Url,
    token: Given,
    /// Both or neither: a service token knows its config, every other kind of token has to be told.
    config: Option<(String, String)>,
}

impl Section for DopplerConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let address = address(env, "DOPPLER_API", Some("https://api.doppler.com"));
        let token = env.given("DOPPLER_TOKEN");
        let (project, config) = (env.optional("DOPPLER_PROJECT"), env.optional("DOPPLER_CONFIG"));
        let config = match (project?, config?) {
            (Some(project), Some(config)) => Some((project, config)),
            (None, None) => None,
            _ => {
                return env
                    .problem("DOPPLER_PROJECT and DOPPLER_CONFIG are set together or not at all".into());
            }
        };
        let Some(token) = token? else {
            return env.problem("neither DOPPLER_TOKEN nor DOPPLER_TOKEN_FILE is set".into());
        };
        Some(Self { address: address?, token, config })
    }
}

/// The backend.
pub struct Doppler {
    client: Client,
    config: DopplerConfig,
}

impl Doppler {
    /// Connects to nothing yet.
    pub fn new(config: DopplerConfig) -> Result<Self, BackendError> {
        Ok(Self { client: http::client(None)?, config })
    }
}

#[async_trait]
impl Backend for Doppler {
    async fn read(&mut self) -> Result<Secrets, BackendError> {
        let token = self.config.token.read().map_err(BackendError::Credential)?;
        let url = below(&self.config.address, ["v3", "configs", "config", "secrets", "download"]);
        let mut request =
            self.client.get(url).query(&[("format", "json")]).bearer_auth(token.expose_secret());
        if let Some((project, config)) = &self.config.config {
            request = request.query(&[("project", project), ("config", config)]);
        }
        // Names and texts, DOPPLER_PROJECT and the like among them, which nobody asks for.
        let secrets: HashMap<String, SecretString> = http::ask("download the secrets", request).await?;
        Ok(secrets.into_iter().collect())
    }
}
