//! A new password for an owner who is locked out.
//!
//! It is stored and set under a lock on the stored one, so that two resets end with the same password on both sides. A reset that
//! comes again changes nothing: the owner may have chosen a password of their own by then. It gives what it gave, until a later one
//! has replaced it; which one is later, the record says.

use common::{database, error::Kind, id::ResetId, operations::StepError};
use n8n::account;
use secrecy::SecretString;
use sqlx::{PgConnection, PgPool};
use wire::{InitialLogin, ResetLogin};

use super::{give, is_somebodys, login_of};
use crate::{
    World, passwords,
    questions::NoAnswer,
    store::{
        secrets::OwnerPassword,
        tenants::{self, Tenant},
    },
};

/// Does it, once for each id.
pub async fn reset_login(
    pool: &PgPool,
    world: &World,
    question: ResetLogin,
) -> Result<InitialLogin, NoAnswer> {
    let ResetLogin { tenant, reset, disable_mfa, .. } = question;
    world.is_home_of(pool, tenant).await?;
    let row = tenants::get(pool, tenant).await?;
    is_somebodys(&row)?;
    let mut transaction = database::begin(pool).await.map_err(StepError::from)?;
    let stored = OwnerPassword::lock(&mut transaction, tenant).await.map_err(StepError::from)?;
    let stored = stored.ok_or_else(absent)?;
    if is_replaced(&mut transaction, stored.reset, &question).await? {
        let detail = "A later reset has replaced this password.";
        return Err(StepError::failed(Kind::Conflict, detail).into());
    }
    if stored.reset == Some(reset) {
        drop(transaction);
        let password = stored.open(&world.keys, tenant).map_err(StepError::from)?;
        return Ok(again(world, &row, password).await?);
    }
    let password = account::generate_password().map_err(StepError::from)?;
    OwnerPassword::replace(&mut transaction, &world.keys, tenant, (reset, &password)).await?;
    let hash = passwords::hash(world.password_cost, &password).await?;
    let email = give(world, &row, &hash, disable_mfa).await?;
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
async fn again(world: &World, tenant: &Tenant, password: SecretString) -> Result<InitialLogin, StepError> {
    let owner = login_of(world, tenant).await?.ok_or_else(absent)?;
    let stale = !passwords::is_hash_of(&password, &owner.password_hash).await?;
    Ok(InitialLogin { email: owner.email, password, stale })
}

fn absent() -> StepError {
    StepError::failed(Kind::NotFound, "This tenant has no owner yet, or no longer.")
}
