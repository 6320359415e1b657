//! Which e-mail and password an owner first signs in with, and whether they still do.

use common::operations::StepError;
use n8n::databases::{DatabaseError, Name};
use sqlx::PgPool;
use wire::{AskInitialLogin, InitialLogin};

use super::{is_password_of, is_somebodys};
use crate::{
    World,
    questions::NoAnswer,
    store::{secrets, tenants},
};

/// Answers one question.
pub async fn initial_login(
    pool: &PgPool,
    world: &World,
    question: AskInitialLogin,
) -> Result<InitialLogin, NoAnswer> {
    world.is_home_of(pool, question.tenant).await?;
    let row = tenants::get(pool, question.tenant).await?;
    is_somebodys(&row)?;
    let secrets = secrets::open(pool, &world.keys, question.tenant).await?;
    let (email, password) = (row.email, secrets.owner_password);
    let stale = match world.databases.owner_login(&Name::of(question.tenant)).await {
        Ok(now) => now.email != email.to_lowercase() || !is_password_of(&now, &password).await?,
        // Still in the making: it will be what it is to be.
        Err(DatabaseError::NoDatabase(_) | DatabaseError::NoOwner(_)) => false,
        Err(error) => return Err(StepError::from(error).into()),
    };
    Ok(InitialLogin { email, password, stale })
}
