//! Which password an owner first signs in with, whether they still do, and with which e-mail now.

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
    let (email, stale) = match login_of(world, &row).await? {
        Some(now) => {
            let stale = !passwords::is_hash_of(&password, &now.password_hash).await?;
            // What the record has of somebody's address changes without n8n, and what they sign in with without the record.
            (if now.email == email.to_lowercase() { email } else { now.email }, stale)
        }
        // Still in the making: it will be what it is to be.
        None => (email, false),
    };
    Ok(InitialLogin { email, password, stale })
}
