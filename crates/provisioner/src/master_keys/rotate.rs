//! `provisioner rotate-master-key`: wraps every tenant's secret with the current master key, and retires the older ones.
//!
//! A batch is a transaction: whoever is killed leaves nothing half done, and the next one goes on. Several at once take different rows.

use std::time::Duration;

use common::{
    database,
    error::{Classify, chain},
    id::TenantId,
    secrets::MasterKeys,
};
use sqlx::PgPool;
use tokio::time::sleep;

use super::{KeysError, check};
use crate::store::master_keys as store;

/// Some milliseconds of one core; whoever wants one of these rows meanwhile waits no longer.
const BATCH: i64 = 100;
/// For rows that somebody else holds, and for a record that is away.
const PAUSE: Duration = Duration::from_millis(200);
/// A record that is away for longer is told to whoever ran the command.
const PATIENCE: u32 = 300;

/// What was done.
#[derive(Debug, Default)]
pub struct Rotated {
    /// Secrets that were wrapped anew by this call.
    pub rewrapped: usize,
    /// Keys that open nothing from now on, and were not known to before.
    pub retired: Vec<i32>,
    /// Secrets that no longer open, with any key: they stay as they are, and so does their key.
    pub damaged: Vec<(TenantId, String)>,
}

/// Wraps all that older keys wrapped with the current one, and retires those keys.
///
/// # Errors
///
/// The keys are not those that the record needs, or the record was away for a minute.
pub async fn rotate(pool: &PgPool, keys: &MasterKeys) -> Result<Rotated, KeysError> {
    let (mut done, mut failures) = (Rotated::default(), 0);
    loop {
        match advance(pool, keys, &mut done).await {
            Ok(true) => return Ok(done),
            Ok(false) => failures = 0,
            Err(error) if error.kind().is_transient() && failures < PATIENCE => {
                tracing::warn!(error = chain(&error), "some secrets are wrapped anew a little later");
                failures += 1;
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// One step; true when it was the last.
async fn advance(pool: &PgPool, keys: &MasterKeys, done: &mut Rotated) -> Result<bool, KeysError> {
    check(pool, keys).await?;
    while rewrap_some(pool, keys, done).await? {}
    let current = keys.current();
    for known in store::known(pool).await?.into_iter().filter(|known| known.id < current && !known.retired) {
        let mut transaction = database::begin(pool).await?;
        let retired = store::retire(&mut transaction, known.id).await?;
        transaction.commit().await?;
        if retired {
            done.retired.push(known.id);
        }
    }
    let older = store::in_use(pool).await?.into_iter().filter(|(id, _)| *id < current);
    let left: i64 = older.map(|(_, count)| count).sum();
    if left <= done.damaged.len() as i64 {
        return Ok(true);
    }
    // Somebody holds them, or was just making them.
    sleep(PAUSE).await;
    Ok(false)
}

/// Wraps a batch anew; false when there is none to be had.
async fn rewrap_some(pool: &PgPool, keys: &MasterKeys, done: &mut Rotated) -> Result<bool, KeysError> {
    let mut transaction = database::begin(pool).await?;
    let mut secrets = store::claim_older(&mut transaction, keys.current(), &done.damaged, BATCH).await?;
    if secrets.is_empty() {
        return Ok(false);
    }
    let mut damaged = Vec::new();
    secrets.retain_mut(|secret| {
        let opened = keys.open(secret.tenant, &secret.name, &secret.wrapped);
        match opened.and_then(|text| keys.wrap(secret.tenant, &secret.name, &text)) {
            Ok(wrapped) => secret.wrapped = wrapped,
            Err(_) => damaged.push((secret.tenant, secret.name.clone())),
        }
        damaged.last().is_none_or(|(tenant, name)| (*tenant, name) != (secret.tenant, &secret.name))
    });
    store::rewrap(&mut transaction, &secrets).await?;
    transaction.commit().await?;
    done.rewrapped += secrets.len();
    done.damaged.append(&mut damaged);
    Ok(true)
}
