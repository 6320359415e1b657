//! The tenants' queues on a Redis server, through a login that may administer logins.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use common::id::TenantId;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::ask::{BATCH, ask, refused};
use super::{Depth, Job, QueueError, QueueUsage, TenantQueues, depth, lost, prefix, usage, user};

/// A server that needs longer is as good as away.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bull's lists of jobs that are not done (see `QUEUE_BULL_PREFIX` in `launch`).
const UNDONE: [&str; 3] = ["wait", "active", "paused"];

/// What a queue and its scripts need, found by running n8n as such a login. Everything that sees beyond keys of one's
/// own stays out: KEYS and SCAN name others' keys, CONFIG, ACL, FLUSHALL and DEBUG need no argument to do harm.
/// INFO is what Bull reads the server's version from; CLIENT's two subcommands name a connection.
const COMMANDS: &[&str] = &[
    "-@all",
    "+@read",
    "+@write",
    "+@string",
    "+@hash",
    "+@list",
    "+@set",
    "+@sortedset",
    "+@stream",
    "+@pubsub",
    "+@scripting",
    "+@transaction",
    "+@connection",
    "+@blocking",
    "-@dangerous",
    "-@admin",
    "-keys",
    "-scan",
    "-randomkey",
    "-dbsize",
    "-swapdb",
    "-flushdb",
    "-flushall",
    "-script|flush",
    "-script|kill",
    "-function",
    "-pubsub",
    "-client",
    "-select",
    "+info",
    "+client|setname",
    "+client|id",
    "+client|getname",
];

/// The real thing. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct RedisQueues {
    client: Arc<ArcSwap<Client>>,
}

impl fmt::Debug for RedisQueues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the client, which knows a password.
        f.debug_struct("RedisQueues").finish_non_exhaustive()
    }
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the tenants' Redis cannot be used")]
pub struct RedisUrlError(#[source] redis::RedisError);

impl RedisQueues {
    /// Queues on the server of this URL. Connects at the first call, not here.
    pub fn new(admin_url: &str) -> Result<Self, RedisUrlError> {
        let client = Client::open(admin_url).map_err(RedisUrlError)?;
        Ok(Self { client: Arc::new(ArcSwap::from_pointee(client)) })
    }

    /// Connects with this URL from now on: the same server, with another login.
    pub fn put_url(&self, admin_url: &str) -> Result<(), RedisUrlError> {
        self.client.store(Arc::new(Client::open(admin_url).map_err(RedisUrlError)?));
        Ok(())
    }

    async fn connect(&self) -> Result<MultiplexedConnection, QueueError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let client = self.client.load_full();
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        connected.map_err(refused("connect"))
    }
}

fn acl(subcommand: &str) -> Cmd {
    let mut command = redis::cmd("ACL");
    command.arg(subcommand);
    command
}

/// The whole rule of a login. It begins with `reset`, so what an earlier rule allowed is gone.
fn rule(tenant: TenantId, password: &SecretString) -> Vec<String> {
    let digest = hex::encode(Sha256::digest(password.expose_secret()));
    let own = [format!("#{digest}"), format!("~{}*", prefix(tenant)), format!("&{}*", prefix(tenant))];
    let commands = COMMANDS.iter().map(|command| (*command).to_owned());
    ["reset", "on"].map(str::to_owned).into_iter().chain(own).chain(commands).collect()
}

#[async_trait]
impl TenantQueues for RedisQueues {
    async fn ensure_user(&self, tenant: TenantId, password: &SecretString) -> Result<(), QueueError> {
        let mut connection = self.connect().await?;
        let mut command = acl("SETUSER");
        command.arg(user(tenant)).arg(rule(tenant, password));
        ask::<()>(&mut connection, "make a login", &command).await?;
        ask(&mut connection, "save the logins", &acl("SAVE")).await
    }

    async fn remove(&self, tenant: TenantId) -> Result<(), QueueError> {
        let mut connection = self.connect().await?;
        // The login first: it ends the tenant's connections, so nobody adds keys behind the scan.
        let mut command = acl("DELUSER");
        command.arg(user(tenant));
        ask::<u64>(&mut connection, "remove a login", &command).await?;
        ask::<()>(&mut connection, "save the logins", &acl("SAVE")).await?;
        remove_keys(&mut connection, tenant).await
    }

    async fn pending(&self, tenant: TenantId) -> Result<u64, QueueError> {
        let mut connection = self.connect().await?;
        let mut lengths = redis::pipe();
        for list in UNDONE {
            lengths.cmd("LLEN").arg(format!("{}bull:jobs:{list}", prefix(tenant)));
        }
        let lengths: Vec<u64> =
            lengths.query_async(&mut connection).await.map_err(refused("look at a queue"))?;
        Ok(lengths.into_iter().sum())
    }

    async fn depths(&self, tenants: &[TenantId]) -> Result<Vec<Depth>, QueueError> {
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        depth::look(&mut self.connect().await?, tenants).await
    }

    async fn unheld(&self, tenant: TenantId) -> Result<Vec<Job>, QueueError> {
        lost::unheld(&mut self.connect().await?, tenant).await
    }

    async fn put_back(&self, tenant: TenantId, jobs: &[Job]) -> Result<u64, QueueError> {
        if jobs.is_empty() {
            return Ok(0);
        }
        lost::put_back(&mut self.connect().await?, tenant, jobs).await
    }

    async fn is_seen(&self, tenant: TenantId) -> Result<bool, QueueError> {
        depth::is_seen(&mut self.connect().await?, tenant).await
    }

    async fn usage(&self) -> Result<QueueUsage, QueueError> {
        usage::measure(&mut self.connect().await?).await
    }

    async fn observe(&self) -> Result<Vec<TenantId>, QueueError> {
        let mut connection = self.connect().await?;
        let users: Vec<String> = ask(&mut connection, "observe logins", &acl("USERS")).await?;
        let mut tenants: Vec<TenantId> = users.iter().filter_map(|user| user.parse().ok()).collect();
        tenants.sort_unstable();
        Ok(tenants)
    }
}

async fn remove_keys(connection: &mut MultiplexedConnection, tenant: TenantId) -> Result<(), QueueError> {
    let pattern = format!("{}*", prefix(tenant));
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(BATCH);
        let (next, keys): (u64, Vec<Vec<u8>>) = ask(connection, "look for keys", &scan).await?;
        if !keys.is_empty() {
            ask::<u64>(connection, "remove keys", redis::cmd("UNLINK").arg(keys)).await?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_only_what_is_the_tenants_and_holds_no_password() {
        let tenant = TenantId::generate();
        let rule = rule(tenant, &"pass word\" >x ~*".to_owned().into());
        let patterns: Vec<_> = rule.iter().filter(|part| part.starts_with(['~', '&'])).collect();
        assert_eq!(patterns, [&format!("~{tenant}:*"), &format!("&{tenant}:*")]);
        assert!(rule.iter().all(|part| !part.contains("pass") && !part.contains(' ')));
        assert_eq!(rule[..2], ["reset", "on"]);
    }
}
