//! A new password for an owner who is locked out.
//!
//! It is stored and set under a lock on the stored one, so that two resets end with the same password on both sides. A reset that
//! comes again gives what it gave: until a later one, known by its greater id, has replaced it.

use common::{
    database,
    error::Kind,
    id::{ResetId, TenantId},
    operations::StepError,
};
use n8n::{account, databases::Name};
use secrecy::SecretString;
use sqlx::{PgConnection, PgPool};
use wire::{InitialLogin, ResetLogin};

use super::off_thread;
use crate::{World, questions::NoAnswer, store::secrets::OwnerPassword};

/// Does it, once for each id.
pub async fn reset_login(
    pool: &PgPool,
    world: &World,
    question: ResetLogin,
) -> Result<InitialLogin, NoAnswer> {
    let ResetLogin { tenant, reset, disable_mfa } = question;
    let mut transaction = database::begin(pool).await.map_err(StepError::from)?;
    let password = password(&mut transaction, world, tenant, reset).await?;
    let hash = off_thread(account::hash_password, &password).await?.map_err(StepError::from)?;
    let set = world.databases.reset_owner(&Name::of(tenant), &hash, disable_mfa).await;
    let email = set.map_err(StepError::from)?;
    transaction.commit().await.map_err(StepError::from)?;
    Ok(InitialLogin { email, password, stale: false })
}

/// The password of this reset, stored from here on.
async fn password(
    connection: &mut PgConnection,
    world: &World,
    tenant: TenantId,
    reset: ResetId,
) -> Result<SecretString, StepError> {
    let absent = || StepError::failed(Kind::NotFound, "This tenant has no owner yet, or no longer.");
    let stored = OwnerPassword::lock(connection, tenant).await?.ok_or_else(absent)?;
    if stored.reset.is_some_and(|last| last.uuid() > reset.uuid()) {
        return Err(StepError::failed(Kind::Conflict, "A later reset has replaced this password."));
    }
    if stored.reset == Some(reset) {
        return Ok(stored.open(&world.keys, tenant)?);
    }
    let password = account::generate_password()?;
    OwnerPassword::replace(connection, &world.keys, tenant, (reset, &password)).await?;
    Ok(password)
}
