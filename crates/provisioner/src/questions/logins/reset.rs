//! A new password for an owner who is locked out.
//!
//! It is stored and set under a lock on the stored one, so that two resets end with the same password on both sides. A reset that
//! comes again changes nothing: the owner may have chosen a password of their own by then. It gives what it gave, until a later one
//! has replaced it; which one is later, the record says.

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

use super::{is_password_of, is_somebodys, off_thread};
use crate::{
    World,
    questions::NoAnswer,
    store::{secrets::OwnerPassword, tenants},
};

/// Does it, once for each id.
pub async fn reset_login(
    pool: &PgPool,
    world: &World,
    question: ResetLogin,
) -> Result<InitialLogin, NoAnswer> {
    let ResetLogin { tenant, reset, disable_mfa, .. } = question;
    world.is_home_of(pool, tenant).await?;
    is_somebodys(&tenants::get(pool, tenant).await?)?;
    let mut transaction = database::begin(pool).await.map_err(StepError::from)?;
    let absent = || StepError::failed(Kind::NotFound, "This tenant has no owner yet, or no longer.");
    let stored = OwnerPassword::lock(&mut transaction, tenant).await.map_err(StepError::from)?;
    let stored = stored.ok_or_else(absent)?;
    if is_replaced(&mut transaction, stored.reset, &question).await? {
        let detail = "A later reset has replaced this password.";
        return Err(StepError::failed(Kind::Conflict, detail).into());
    }
    if stored.reset == Some(reset) {
        drop(transaction);
        let password = stored.open(&world.keys, tenant).map_err(StepError::from)?;
        return Ok(again(world, tenant, password).await?);
    }
    let password = account::generate_password().map_err(StepError::from)?;
    OwnerPassword::replace(&mut transaction, &world.keys, tenant, (reset, &password)).await?;
    let hash = off_thread(account::hash_password, &password).await?.map_err(StepError::from)?;
    let set = world.databases.reset_owner(&Name::of(tenant), &hash, disable_mfa).await;
    let email = set.map_err(StepError::from)?;
    transaction.commit().await.map_err(StepError::from)?;
    Ok(InitialLogin { email, password, stale: false })
}

/// Whether another reset is later than this one. Asked under the lock: what is accepted after that waits for us.
async fn is_replaced(
    connection: &mut PgConnection,
    stored: Option<ResetId>,
    question: &ResetLogin,
) -> Result<bool, StepError> {
    let accepted = if question.recorded {
        OwnerPassword::accepted_reset(connection, question.tenant).await?
    } else {
        None
    };
    Ok(match accepted {
        Some(accepted) => accepted != question.reset,
        // All that former releases left us is when they drew an id, by a gateway's clock.
        None => stored.is_some_and(|stored| stored.uuid() > question.reset.uuid()),
    })
}

/// What a reset gave that was done before, and whether the owner still gets in with it.
async fn again(world: &World, tenant: TenantId, password: SecretString) -> Result<InitialLogin, StepError> {
    let owner = world.databases.owner_login(&Name::of(tenant)).await?;
    let stale = !is_password_of(&owner, &password).await?;
    Ok(InitialLogin { email: owner.email, password, stale })
}
