//! Whether the master keys that this process has are those that the record needs; and rotating them.
//!
//! Nothing is wrapped before that is known: under a wrong key it would be lost with the next restart.

mod rotate;

use std::time::Duration;

use common::{
    error::{Classify, Kind},
    secrets::MasterKeys,
    service::{Interval, Round, Service},
};
use sqlx::PgPool;
use tokio::{sync::watch, time::sleep};

use crate::store::master_keys as store;

pub use rotate::{Rotated, rotate};

/// Keys change by hand and seldom; what is in use changes with every rotation.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Secrets that a newer key waits for.
const OLDER: &str = "rp9_secrets_under_older_keys";

/// Why these keys are not to be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("secrets are wrapped with master keys that are not configured: {0}")]
    Missing(String),
    #[error("the master key {0} that is configured is not the one that was used under this id")]
    Different(i32),
    #[error("the master key {0} is retired: nothing is wrapped with it any more")]
    Retired(i32),
    #[error("the record cannot be asked for its master keys")]
    Record(#[from] sqlx::Error),
}

impl Classify for KeysError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing(_) | Self::Different(_) | Self::Retired(_) => Kind::Conflict,
            Self::Record(error) => error.kind(),
        }
    }
}

/// Notes the keys that the record does not know yet, and fails for any that it knows better.
pub async fn check(pool: &PgPool, keys: &MasterKeys) -> Result<(), KeysError> {
    let (configured, in_use) = (keys.fingerprints(), store::in_use(pool).await?);
    let is_configured = |id: i32| configured.iter().any(|(other, _)| *other == id);
    let missing: Vec<_> = in_use.iter().filter(|(id, _)| !is_configured(*id)).collect();
    if !missing.is_empty() {
        let told: Vec<_> = missing.iter().map(|(id, count)| format!("{id} ({count} secrets)")).collect();
        return Err(KeysError::Missing(told.join(", ")));
    }
    let known = store::known(pool).await?;
    for (id, _) in in_use.iter().filter(|(id, _)| known.iter().all(|known| known.id != *id)) {
        // From before keys were noted: it is known by what it opens. One or another may be damaged.
        let opens = |secret: &store::Secret| keys.open(secret.tenant, &secret.name, &secret.wrapped).is_ok();
        let sample = store::sample(pool, *id).await?;
        if !sample.is_empty() && !sample.iter().any(opens) {
            return Err(KeysError::Different(*id));
        }
    }
    store::note(pool, &configured).await?;
    for known in store::known(pool).await? {
        let own = configured.iter().find(|(id, _)| *id == known.id);
        if own.is_some_and(|(_, fingerprint)| known.fingerprint != fingerprint.as_slice()) {
            return Err(KeysError::Different(known.id));
        }
        if known.retired && known.id == keys.current() {
            return Err(KeysError::Retired(known.id));
        }
    }
    Ok(())
}

/// Returns once the configured keys are those that the record needs; until then the service is not ready, and says why. From then on goes by
/// others as soon as they are configured and are that too, and tells what is left under older ones.
pub async fn follow(service: &Service, in_use: MasterKeys) {
    metrics::describe_gauge!(
        OLDER,
        "Tenants' secrets that are wrapped with an older master key than the current one."
    );
    let latch = service.readiness.latch("master keys");
    let (put, next) = watch::channel(None);
    service.secrets.follow(move |keys: MasterKeys| drop(put.send_replace(Some(keys))));
    let mut look = Look { pool: service.database.clone(), in_use, next };
    while let Err(error) = look.run().await {
        if let Some(why) = latch.explain_error(&error) {
            tracing::error!(error = why, "the master keys cannot be used");
        }
        sleep(LOOK_AGAIN).await;
    }
    latch.release();
    let looks = Interval::new("master-keys", LOOK_EVERY).not_at_once();
    service.every(
        looks.failing("the master keys cannot be used; the provisioner goes on with those it has"),
        look,
    );
}

struct Look {
    pool: PgPool,
    in_use: MasterKeys,
    next: watch::Receiver<Option<MasterKeys>>,
}

impl Round for Look {
    type Error = KeysError;

    async fn run(&mut self) -> Result<(), KeysError> {
        let next: Option<MasterKeys> = self.next.borrow_and_update().clone();
        let keys = next.as_ref().unwrap_or(&self.in_use);
        check(&self.pool, keys).await?;
        self.in_use.replace(keys);
        let current = self.in_use.current();
        let older = store::in_use(&self.pool).await?.into_iter().filter(|(id, _)| *id < current);
        metrics::gauge!(OLDER).set(older.map(|(_, count)| count as f64).sum::<f64>());
        Ok(())
    }

    async fn woken(&mut self) {
        if self.next.changed().await.is_err() {
            std::future::pending().await
        }
    }
}
