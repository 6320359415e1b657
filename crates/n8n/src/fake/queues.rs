//! The tenants' queues, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use common::id::TenantId;
use secrecy::{ExposeSecret as _, SecretString};

use super::ledger::{Entry, Fault, Ledger};
use crate::queues::{Depth, Job, QueueError, QueueUsage, TenantQueues};

/// The shared state. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct QueueWorld(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    passwords: BTreeMap<TenantId, String>,
    keys: BTreeMap<TenantId, BTreeSet<String>>,
    usage: QueueUsage,
    pending: BTreeMap<TenantId, u64>,
    depths: BTreeMap<TenantId, Depth>,
    unheld: BTreeMap<TenantId, Vec<Job>>,
}

impl QueueWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on this world whose calls carry this name in the ledger.
    pub fn actor(&self, name: &str) -> FakeQueues {
        FakeQueues { world: self.clone(), actor: name.to_owned() }
    }

    /// Every call so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.entries.clone()
    }

    /// Makes the next call of `verb` go wrong.
    pub fn inject(&self, verb: &'static str, fault: Fault) {
        self.state().ledger.inject(verb, fault);
    }

    /// Takes the server away, or brings it back.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.state().ledger.unreachable = unreachable;
    }

    /// The password the tenant's login has.
    pub fn password(&self, tenant: TenantId) -> Option<String> {
        self.state().passwords.get(&tenant).cloned()
    }

    /// Leaves a key under the tenant's prefix, as a running n8n does.
    pub fn put_key(&self, tenant: TenantId, key: &str) {
        self.state().keys.entry(tenant).or_default().insert(key.to_owned());
    }

    /// How many of the tenant's executions are not done from now on.
    pub fn set_pending(&self, tenant: TenantId, pending: u64) {
        self.state().pending.insert(tenant, pending);
    }

    /// How the tenant's queue is from now on.
    pub fn set_depth(&self, tenant: TenantId, depth: Depth) {
        self.state().depths.insert(tenant, depth);
    }

    /// These were given to nobody.
    pub fn lose(&self, tenant: TenantId, jobs: Vec<Job>) {
        self.state().unheld.insert(tenant, jobs);
    }

    /// What is still given to nobody.
    pub fn lost(&self, tenant: TenantId) -> Vec<Job> {
        self.state().unheld.get(&tenant).cloned().unwrap_or_default()
    }

    /// What the queues take from now on.
    pub fn set_usage(&self, usage: QueueUsage) {
        self.state().usage = usage;
    }

    /// The keys under the tenant's prefix.
    pub fn keys(&self, tenant: TenantId) -> BTreeSet<String> {
        self.state().keys.get(&tenant).cloned().unwrap_or_default()
    }
}

/// One actor's handle on a [`QueueWorld`].
#[derive(Debug, Clone)]
pub struct FakeQueues {
    world: QueueWorld,
    actor: String,
}

fn away() -> QueueError {
    QueueError::Unavailable(redis::RedisError::from(std::io::Error::from(
        std::io::ErrorKind::ConnectionReset,
    )))
}

impl FakeQueues {
    fn call<T>(
        &self,
        verb: &'static str,
        target: String,
        effect: impl FnOnce(&mut State) -> T,
    ) -> Result<T, QueueError> {
        let mut state = self.world.state();
        match state.ledger.begin(verb, target, &self.actor) {
            None => Ok(effect(&mut state)),
            Some(Fault::BeforeEffect) => Err(away()),
            Some(Fault::AfterEffect) => {
                effect(&mut state);
                Err(away())
            }
        }
    }
}

#[async_trait]
impl TenantQueues for FakeQueues {
    async fn ensure_user(&self, tenant: TenantId, password: &SecretString) -> Result<(), QueueError> {
        self.call("ensure_user", tenant.to_string(), |state| {
            state.passwords.insert(tenant, password.expose_secret().to_owned());
        })
    }

    async fn remove(&self, tenant: TenantId) -> Result<(), QueueError> {
        self.call("remove", tenant.to_string(), |state| {
            state.passwords.remove(&tenant);
            state.keys.remove(&tenant);
        })
    }

    async fn pending(&self, tenant: TenantId) -> Result<u64, QueueError> {
        self.call("pending", tenant.to_string(), |state| {
            state.pending.get(&tenant).copied().unwrap_or_default()
        })
    }

    async fn depths(&self, tenants: &[TenantId]) -> Result<Vec<Depth>, QueueError> {
        let depth = |state: &State, tenant| state.depths.get(tenant).copied().unwrap_or_default();
        self.call("depths", tenants.len().to_string(), |state| {
            tenants.iter().map(|tenant| depth(state, tenant)).collect()
        })
    }

    async fn unheld(&self, tenant: TenantId) -> Result<Vec<Job>, QueueError> {
        self.call("unheld", tenant.to_string(), |state| {
            state.unheld.get(&tenant).cloned().unwrap_or_default()
        })
    }

    async fn put_back(&self, tenant: TenantId, jobs: &[Job]) -> Result<u64, QueueError> {
        self.call("put_back", tenant.to_string(), |state| {
            let unheld = state.unheld.entry(tenant).or_default();
            let before = unheld.len();
            unheld.retain(|job| !jobs.contains(job));
            (before - unheld.len()) as u64
        })
    }

    async fn is_seen(&self, tenant: TenantId) -> Result<bool, QueueError> {
        self.call("is_seen", tenant.to_string(), |_| true)
    }

    async fn usage(&self) -> Result<QueueUsage, QueueError> {
        self.call("usage", String::new(), |state| state.usage.clone())
    }

    async fn observe(&self) -> Result<Vec<TenantId>, QueueError> {
        self.call("observe", String::new(), |state| state.passwords.keys().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use common::error::{Classify as _, Kind};

    use super::*;

    #[tokio::test]
    async fn a_lost_answer_leaves_the_effect_and_an_unreachable_server_none() {
        let (world, tenant) = (QueueWorld::default(), TenantId::generate());
        let queues = world.actor("a");
        let password = SecretString::from("secret");
        world.inject("ensure_user", Fault::AfterEffect);
        let error = queues.ensure_user(tenant, &password).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(world.password(tenant).as_deref(), Some("secret"));
        world.set_unreachable(true);
        queues.remove(tenant).await.unwrap_err();
        world.set_unreachable(false);
        assert_eq!(world.actor("b").observe().await.unwrap(), [tenant]);
        let seen: Vec<_> = world.ledger().iter().map(|e| (e.verb, e.actor.clone(), e.took_effect)).collect();
        let expected = [("ensure_user", "a", true), ("remove", "a", false), ("observe", "b", true)];
        assert_eq!(seen, expected.map(|(verb, actor, effect)| (verb, actor.to_owned(), effect)));
    }
}
