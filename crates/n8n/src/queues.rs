//! What we need of the Redis that the tenants' queues share.

use std::collections::BTreeMap;

use async_trait::async_trait;
use common::error::{Classify, Kind};
use common::id::TenantId;
use secrecy::SecretString;

mod ask;
mod depth;
mod lost;
mod redis_server;
mod usage;

pub use redis_server::{RedisQueues, RedisUrlError};

/// The tenants' queues. Each verb may be repeated and may run several times at once; removing what is gone succeeds.
#[async_trait]
pub trait TenantQueues: Send + Sync {
    /// Makes the tenant's login, or gives it this password: able to use its own prefix and nothing else.
    async fn ensure_user(&self, tenant: TenantId, password: &SecretString) -> Result<(), QueueError>;

    /// Removes the login, ends its connections and deletes every key under its prefix.
    async fn remove(&self, tenant: TenantId) -> Result<(), QueueError>;

    /// How many of the tenant's executions wait in its queue or run.
    async fn pending(&self, tenant: TenantId) -> Result<u64, QueueError>;

    /// How each of these queues is, in their order.
    async fn depths(&self, tenants: &[TenantId]) -> Result<Vec<Depth>, QueueError>;

    /// Jobs of the tenant's that were given to a worker, and which none is at. One that was given a moment ago may be among them.
    async fn unheld(&self, tenant: TenantId) -> Result<Vec<Job>, QueueError>;

    /// Lets these wait again, before all others, but for those that a worker is at by now. How many do.
    async fn put_back(&self, tenant: TenantId, jobs: &[Job]) -> Result<u64, QueueError>;

    /// Whether a job that enters the queue is seen by [`Self::depths`]. It is taken back in the same moment, so that nobody takes it.
    async fn is_seen(&self, tenant: TenantId) -> Result<bool, QueueError>;

    /// How much of the server's memory is used, and by whom.
    async fn usage(&self) -> Result<QueueUsage, QueueError>;

    /// The tenants that have a login, in the order of their ids.
    async fn observe(&self) -> Result<Vec<TenantId>, QueueError>;
}

/// What the queues take, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueUsage {
    /// By everything on the server.
    pub used: u64,
    /// What the server stops taking writes at; 0: never.
    pub most: u64,
    pub tenants: BTreeMap<TenantId, u64>,
}

/// An execution in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: String,
    /// The number of its row in n8n's table.
    pub execution: i64,
}

/// How a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Jobs that wait for a worker.
    pub waiting: u64,
    /// Jobs that were taken and are not done.
    pub active: u64,
    /// Of these, those whose worker has lately said that it is at them.
    pub held: u64,
    /// Jobs that ever entered it.
    pub entered: u64,
}

impl Depth {
    /// Jobs that were ever taken out of it: as long as it does not rise, nobody takes any.
    pub const fn taken(&self) -> u64 {
        self.entered.saturating_sub(self.waiting)
    }
}

/// The login of a tenant.
pub fn user(tenant: TenantId) -> String {
    tenant.to_string()
}

/// Whose key this is.
fn tenant_of(key: &[u8]) -> Option<TenantId> {
    let (tenant, _) = std::str::from_utf8(key).ok()?.split_once(':')?;
    tenant.parse().ok()
}

/// What all of a tenant's keys and channels begin with.
pub fn prefix(tenant: TenantId) -> String {
    format!("{tenant}:")
}

/// Why a verb of [`TenantQueues`] did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The server does not answer, or does not at the moment. It may have acted.
    #[error("the tenants' Redis is not available")]
    Unavailable(#[source] redis::RedisError),
    /// The server refused a command of ours.
    #[error("the tenants' Redis refused: {0}")]
    Refused(&'static str, #[source] redis::RedisError),
}

impl Classify for QueueError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable(_) => Some("Look at the tenants' Redis: whether it runs and has memory left."),
            Self::Refused(..) => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
            Self::Refused(..) => Kind::Internal,
        }
    }
}
