//! Where the platform's own secrets are kept besides the environment and its files.

mod doppler;
mod http;
mod onepassword;
mod vault;

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::config::{Env, Secrets, Section};

use doppler::{Doppler, DopplerConfig};
use onepassword::{OnePassword, OnePasswordConfig};
use vault::{Vault, VaultConfig};

/// Often enough that a changed password is known before a reconnecting client gives up, and far below what any backend limits.
const REREAD_SECONDS: u64 = 10;

/// A place that has secrets of this process, under the names of the variables that they stand in for.
#[async_trait]
pub trait Backend: Send {
    /// All of them. Enters first where that is needed.
    async fn read(&mut self) -> Result<Secrets, BackendError>;

    /// By when it is to be read again, so that what lets us in does not end. `None`: it does not matter.
    fn again_within(&self) -> Option<Duration> {
        None
    }
}

/// Why there are no secrets. Never with a secret in it, nor with what the backend wrote.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("the secrets' backend does not answer")]
    Away(#[source] reqwest::Error),
    #[error("the secrets' backend answered {status} when it was to {what}")]
    Failed { what: &'static str, status: u16 },
    #[error("the secrets' backend refused to {what} ({status})")]
    Refused { what: &'static str, status: u16 },
    #[error("the secrets' backend has no such place ({what}: 404)")]
    Missing { what: &'static str },
    #[error("what the secrets' backend answered cannot be read ({what})")]
    Unreadable { what: &'static str },
    #[error("{0} in the secrets' backend is not a text")]
    NotText(String),
    #[error("the secrets' backend has {0}")]
    Ambiguous(String),
    #[error("what the secrets' backend is entered with is not there: {0}")]
    Credential(String),
    #[error("the client for the secrets' backend cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Which backend there is, and how often secrets are read again.
#[derive(Debug)]
pub struct BackendConfig {
    which: Which,
    pub(crate) reread_every: Duration,
}

#[derive(Debug)]
enum Which {
    Environment,
    Vault(VaultConfig),
    Doppler(DopplerConfig),
    OnePassword(OnePasswordConfig),
}

impl Section for BackendConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let kind = env.or("SECRETS_BACKEND", "env".to_owned());
        let reread = env.or("SECRETS_REREAD_SECONDS", REREAD_SECONDS);
        let which = match kind?.as_str() {
            "env" => Which::Environment,
            "vault" => Which::Vault(VaultConfig::read(env)?),
            "doppler" => Which::Doppler(DopplerConfig::read(env)?),
            "onepassword" => Which::OnePassword(OnePasswordConfig::read(env)?),
            _ => {
                return env
                    .problem("SECRETS_BACKEND must be `env`, `vault`, `doppler` or `onepassword`".into());
            }
        };
        match reread? {
            0 => env.problem("SECRETS_REREAD_SECONDS must be at least 1".into()),
            seconds => Some(Self { which, reread_every: Duration::from_secs(seconds) }),
        }
    }
}

impl BackendConfig {
    /// Whether there is one besides the environment.
    pub(crate) fn is_outside(&self) -> bool {
        !matches!(self.which, Which::Environment)
    }

    /// The backend, for the service of this name. Nothing is connected yet.
    pub fn open(self, service: &str) -> Result<Box<dyn Backend>, BackendError> {
        Ok(match self.which {
            Which::Environment => Box::new(Environment),
            Which::Vault(config) => Box::new(Vault::new(config, service)?),
            Which::Doppler(config) => Box::new(Doppler::new(config)?),
            Which::OnePassword(config) => Box::new(OnePassword::new(config, service)?),
        })
    }
}

/// No backend: [`Env`] reads variables and files itself, files anew each time.
struct Environment;

#[async_trait]
impl Backend for Environment {
    async fn read(&mut self) -> Result<Secrets, BackendError> {
        Ok(Secrets::default())
    }
}

/// The address of a backend.
fn address(env: &mut Env, name: &str, default: Option<&str>) -> Option<Url> {
    let url: Url = match default {
        Some(default) => env.optional(name)?.or_else(|| default.parse().ok())?,
        None => env.required(name)?,
    };
    let usable =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    if usable {
        Some(url)
    } else {
        env.problem(format!("{name} must be http:// or https:// without a login"))
    }
}

/// This address with more of a path.
fn below<'a>(url: &Url, parts: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(parts);
    }
    url
}
