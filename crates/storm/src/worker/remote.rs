//! The way to the world, and what the three ports have in common: they look first, and make only what is missing.

use std::{io, time::Duration};

use super::fenced::HOLDER;
use crate::world::{Call, Kind, Limits, Object, Verb};

/// The world answers within milliseconds; one that does not is gone, and with it the storm.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the world, acting for whoever holds the operation that this task drives.
#[derive(Clone)]
pub struct Remote {
    client: reqwest::Client,
    url: String,
}

/// The world did not do it, or did not say that it did.
#[derive(Debug, thiserror::Error)]
#[error("the storm's world refused or does not answer")]
pub struct Away(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl Away {
    /// Whether the world says that what was to be changed is not there.
    pub fn is_absence(&self) -> bool {
        let error = self.0.downcast_ref::<reqwest::Error>();
        error.and_then(reqwest::Error::status) == Some(reqwest::StatusCode::NOT_FOUND)
    }
}

impl Remote {
    /// The world at this address.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        // Nothing is encrypted on the way to ourselves, so no certificates are looked for.
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        Ok(Self { client, url: url.to_owned() })
    }

    /// Everything that the tenant has.
    pub async fn look(&self) -> Result<Vec<Object>, Away> {
        self.call(Verb::Look).await
    }

    /// What the tenant has of this kind.
    pub async fn look_for(&self, kind: Kind) -> Result<Vec<Object>, Away> {
        let mut seen = self.look().await?;
        seen.retain(|object| object.kind == kind);
        Ok(seen)
    }

    /// Makes it if the tenant has none; returns its mark, whoever made it.
    pub async fn ensure(&self, kind: Kind, name: &str, mark: String) -> Result<String, Away> {
        let seen = self.look_for(kind).await?;
        if let Some(there) = seen.into_iter().find(|object| object.name == name) {
            return Ok(there.mark);
        }
        let (name, limits) = (name.to_owned(), None);
        self.call(Verb::Make { kind, name, mark: mark.clone(), limits }).await?;
        Ok(mark)
    }

    /// Makes a container, whether or not it is there.
    pub async fn make_container(&self, name: &str, mark: String, limits: Limits) -> Result<(), Away> {
        let (name, limits) = (name.to_owned(), Some(limits));
        self.call(Verb::Make { kind: Kind::Container, name, mark, limits }).await.map(drop)
    }

    /// The container of this name.
    pub async fn find_container(&self, name: &str) -> Result<Option<Object>, Away> {
        Ok(self.look_for(Kind::Container).await?.into_iter().find(|object| object.name == name))
    }

    /// Removes all of these kinds and this name.
    pub async fn remove(&self, kinds: &[Kind], name: &str) -> Result<(), Away> {
        for object in self.look().await? {
            if kinds.contains(&object.kind) && object.name == name {
                self.call(Verb::Drop { id: object.id }).await?;
            }
        }
        Ok(())
    }

    /// A message woke this worker.
    pub async fn woken(&self) {
        // Only a measurement; nobody waits for it.
        let _ = self.client.post(format!("{}/woken", self.url)).send().await;
    }

    /// Does it, in the name of whoever holds the operation.
    pub async fn call(&self, verb: Verb) -> Result<Vec<Object>, Away> {
        let nobody = || Away(Box::new(io::Error::other("no operation is being driven here")));
        let by = HOLDER.try_with(Clone::clone).map_err(|_| nobody())?;
        let sent = self.client.post(format!("{}/call", self.url)).json(&Call { by, verb }).send().await;
        let away = |error: reqwest::Error| Away(Box::new(error));
        sent.and_then(reqwest::Response::error_for_status).map_err(away)?.json().await.map_err(away)
    }
}

impl From<Away> for io::Error {
    fn from(away: Away) -> Self {
        Self::other(away)
    }
}
