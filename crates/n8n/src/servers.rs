//! The servers that a cluster's tenants share, as whoever administers them enters them.

use common::config::{Env, Section};
use secrecy::{ExposeSecret as _, SecretString};

use crate::databases::{AdminUrlError, PostgresDatabases};
use crate::queues::{RedisQueues, RedisUrlError};

/// How they are entered.
pub struct AdminUrls {
    pub database: SecretString,
    pub redis: SecretString,
}

impl Section for AdminUrls {
    fn read(env: &mut Env) -> Option<Self> {
        let (database, redis) =
            (env.secret("TENANT_DATABASE_ADMIN_URL"), env.secret("TENANT_REDIS_ADMIN_URL"));
        Some(Self { database: database?, redis: redis? })
    }
}

/// Both servers. Cheap to clone; clones share the logins.
#[derive(Debug, Clone)]
pub struct Servers {
    pub databases: PostgresDatabases,
    pub queues: RedisQueues,
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    #[error(transparent)]
    Database(#[from] AdminUrlError),
    #[error(transparent)]
    Redis(#[from] RedisUrlError),
}

impl Servers {
    /// Nothing is connected yet: each may come up later.
    pub fn new(urls: &AdminUrls) -> Result<Self, ServersError> {
        let databases = PostgresDatabases::new(urls.database.expose_secret())?;
        Ok(Self { databases, queues: RedisQueues::new(urls.redis.expose_secret())? })
    }

    /// Goes on with other logins to the same servers.
    pub fn put(&self, urls: &AdminUrls) {
        // Without the causes: they repeat parts of the addresses.
        if self.databases.put_url(urls.database.expose_secret()).is_err() {
            tracing::error!("TENANT_DATABASE_ADMIN_URL is no address, and stays what it was");
        }
        if self.queues.put_url(urls.redis.expose_secret()).is_err() {
            tracing::error!("TENANT_REDIS_ADMIN_URL is no address, and stays what it was");
        }
    }
}
