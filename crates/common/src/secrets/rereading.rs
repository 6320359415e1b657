//! Reading secrets at start, however long that takes, and again and again from then on.

use std::{marker::PhantomData, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::sleep;

use super::{Backend, BackendConfig, BackendError, Followers};
use crate::{
    config::{ConfigError, Env, Secrets, Section},
    service::{Interval, Latch, Round, Tasks},
};

/// Until the backend is asked again at start: soon, because it may be starting too, and then ever later.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where the configuration of a process comes from.
pub(crate) struct Source {
    env: Env,
    backend: Box<dyn Backend>,
    outside: bool,
    every: Duration,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Source {
    /// For the service of this name. Nothing is connected yet.
    pub fn new(env: Env, config: BackendConfig, service: &str) -> Result<Self, BackendError> {
        let (outside, every) = (config.is_outside(), config.reread_every);
        Ok(Self { env, backend: config.open(service)?, outside, every })
    }

    /// What there is now.
    pub async fn read(&mut self) -> Result<Env, BackendError> {
        Ok(self.env.clone().with(self.backend.read().await?))
    }

    /// The same. Waits for a backend that is away, or does not let us in, for ever: a process that ended would not find it sooner.
    pub async fn wait(&mut self, latch: &Latch) -> Env {
        let pauses = ExponentialBuilder::default().with_jitter().without_max_times();
        let mut pauses = pauses.with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).build();
        loop {
            let error = match self.read().await {
                Ok(env) => return env,
                Err(error) => error,
            };
            if let Some(why) = latch.explain_error(&error) {
                tracing::warn!(error = why, "there are no secrets yet; they are waited for");
            }
            sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// From now on reads them again and again, and tells the followers what has changed of `T`, the whole configuration.
    pub fn follow<T: Section + Send + 'static>(self, known: Secrets, followers: Followers, tasks: &Tasks) {
        followers.note_fresh(self.outside.then_some(true));
        let interval = Interval::new("secrets", self.every).not_at_once().spread();
        let interval =
            interval.failing("secrets cannot be read again; the service goes on with those it has");
        tasks.every(interval, Rereading::<T> { source: self, known, followers, whole: PhantomData });
    }
}

/// What is read again, and compared with what is in use.
struct Rereading<T> {
    source: Source,
    known: Secrets,
    followers: Followers,
    whole: PhantomData<fn() -> T>,
}

impl<T: Section> Rereading<T> {
    async fn reread(&mut self) -> Result<(), Unread> {
        let env = self.source.read().await?;
        // All of it or nothing: what is half written may not fit what is there.
        let (_, secrets) = env.clone().load_with_secrets::<T>()?;
        let changed = secrets.differing(&self.known);
        if changed.is_empty() {
            return Ok(());
        }
        self.known = secrets;
        let followed = self.followers.tell(env);
        let (now, later): (Vec<_>, Vec<_>) = changed.into_iter().partition(|name| followed.contains(name));
        if !now.is_empty() {
            tracing::info!(secrets = now.join(", "), "secrets have changed, and are in use");
        }
        if !later.is_empty() {
            tracing::warn!(
                secrets = later.join(", "),
                "secrets have changed that are in use after a restart only"
            );
        }
        Ok(())
    }
}

impl<T: Section + 'static> Round for Rereading<T> {
    type Error = Unread;

    async fn run(&mut self) -> Result<(), Unread> {
        let reread = self.reread().await;
        self.followers.note_fresh(self.source.outside.then_some(reread.is_ok()));
        reread
    }

    /// What lets us into the backend may end before secrets are read again.
    async fn woken(&mut self) {
        match self.source.backend.again_within() {
            Some(pause) if self.followers.are_fresh() == Some(true) => sleep(pause).await,
            _ => std::future::pending().await,
        }
    }
}
