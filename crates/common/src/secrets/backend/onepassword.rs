//! 1Password Connect: the fields of one item, by its HTTP API. A field's label is the secret's name.

use async_trait::async_trait;
use reqwest::{Certificate, Client};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{Backend, BackendError, address, below, http};
use crate::config::{Env, Given, Secrets, Section};

/// Which item.
#[derive(Debug)]
pub struct OnePasswordConfig {
    address: Url,
    authorities: Option<Vec<Certificate>>,
    token: Given,
    vault: String,
    /// `None`: by the service's name.
    item: Option<String>,
}

impl Section for OnePasswordConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let (address, authorities) =
            (address(env, "OP_CONNECT_HOST", None), http::authorities(env, "OP_CONNECT_CACERT"));
        let token = env.given("OP_CONNECT_TOKEN");
        let (vault, item) = (env.required("OP_VAULT"), env.optional("OP_ITEM"));
        let Some(token) = token? else {
            return env.problem("neither OP_CONNECT_TOKEN nor OP_CONNECT_TOKEN_FILE is set".into());
        };
        let (vault, item): (String, Option<String>) = (vault?, item?);
        // They are put between quotes.
        if vault.contains(['"', '\\']) || item.as_ref().is_some_and(|item| item.contains(['"', '\\'])) {
            return env.problem("OP_VAULT and OP_ITEM must be without quotes and backslashes".into());
        }
        Some(Self { address: address?, authorities: authorities?, token, vault, item })
    }
}

/// The backend, as one service sees it.
pub struct OnePassword {
    client: Client,
    config: OnePasswordConfig,
    item: String,
}

#[derive(Deserialize)]
struct Found {
    id: String,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    label: Option<String>,
    value: Option<SecretString>,
}

impl OnePassword {
    /// The item `rp9-<service>`, if nothing else was said.
    pub fn new(mut config: OnePasswordConfig, service: &str) -> Result<Self, BackendError> {
        let client = http::client(config.authorities.take())?;
        let item = config.item.take().unwrap_or_else(|| format!("rp9-{service}"));
        Ok(Self { client, config, item })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &[&str],
        filter: Option<String>,
    ) -> Result<T, BackendError> {
        let token = self.config.token.read().map_err(BackendError::Credential)?;
        let url = below(&self.config.address, std::iter::once("v1").chain(path.iter().copied()));
        let request = self.client.get(url).bearer_auth(token.expose_secret());
        http::ask(what, request.query(&filter.map(|filter| [("filter", filter)]))).await
    }

    /// The only thing of this name: with two of them nobody knows which one is meant.
    async fn only(&self, what: &'static str, path: &[&str], filter: String) -> Result<String, BackendError> {
        let found: Vec<Found> = self.ask(what, path, Some(filter)).await?;
        match <[Found; 1]>::try_from(found) {
            Ok([found]) => Ok(found.id),
            Err(found) if found.is_empty() => Err(BackendError::Missing { what }),
            Err(_) => Err(BackendError::Ambiguous(format!("several answers to `{what}`"))),
        }
    }
}

#[async_trait]
impl Backend for OnePassword {
    async fn read(&mut self) -> Result<Secrets, BackendError> {
        let filter = format!("name eq \"{}\"", self.config.vault);
        let vault = self.only("find the vault", &["vaults"], filter).await?;
        let filter = format!("title eq \"{}\"", self.item);
        let item = self.only("find the item", &["vaults", &vault, "items"], filter).await?;
        let item: Item = self.ask("read the item", &["vaults", &vault, "items", &item], None).await?;
        named(item.fields)
    }
}

/// Fields that look like a variable. Every item has others, such as its notes.
fn named(fields: Vec<Field>) -> Result<Secrets, BackendError> {
    let mut pairs: Vec<(String, SecretString)> = Vec::new();
    for field in fields {
        let (Some(label), Some(value)) = (field.label, field.value) else { continue };
        if !is_name(&label) || value.expose_secret().is_empty() {
            continue;
        }
        if pairs.iter().any(|(name, _)| *name == label) {
            return Err(BackendError::Ambiguous(format!("two fields {label}")));
        }
        pairs.push((label, value));
    }
    Ok(pairs.into_iter().collect())
}

fn is_name(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_uppercase())
        && label.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
