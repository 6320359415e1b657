//! Which e-mail and password an owner first signs in with, and whether they still do.

use sqlx::PgPool;
use wire::{AskInitialLogin, InitialLogin};

use super::{email_of, is_somebodys, login_of};
use crate::{
    World, passwords,
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
    let password = secrets::open_password(pool, &world.keys, question.tenant).await?;
    let email = email_of(&row);
    let stale = match login_of(world, &row).await? {
        Some(now) => {
            now.email != email.to_lowercase() || !passwords::is_hash_of(&password, &now.password_hash).await?
        }
        // Still in the making: it will be what it is to be.
        None => false,
    };
    Ok(InitialLogin { email, password, stale })
}
