//! The owner of an instance that has one: what they sign in with, and a new password for whoever lost theirs.

use sqlx::postgres::PgConnection;

use super::session::refused;
use super::statement::run;
use super::{DatabaseError, Name, OwnerLogin, schema};

/// Somebody waits for the answer, for five seconds. What went on for longer would change the login after everybody has given it up.
const IN_TIME: &str = "SET lock_timeout = '2s'; SET statement_timeout = '3s'";

/// Lets what follows on this connection end while somebody waits for it.
pub(crate) async fn in_time(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    run(connection, "limit a question", IN_TIME).await
}

pub(super) async fn login(connection: &mut PgConnection, name: &Name) -> Result<OwnerLogin, DatabaseError> {
    in_time(connection).await?;
    schema::family(&mut *connection).await?;
    let question = sqlx::query_as(
        r#"SELECT email, password FROM "user"
            WHERE "roleSlug" = 'global:owner' AND email IS NOT NULL AND password IS NOT NULL
            ORDER BY "createdAt", id LIMIT 1"#,
    );
    let found: Option<(String, String)> =
        question.fetch_optional(connection).await.map_err(refused("look for the owner"))?;
    let (email, password_hash) = found.ok_or(DatabaseError::NoOwner(*name))?;
    Ok(OwnerLogin { email, password_hash })
}

/// n8n signs a session with a digest over e-mail, password hash and second factor, so those of before end with this. API keys stay.
pub(super) async fn reset(
    connection: &mut PgConnection,
    name: &Name,
    password_hash: &str,
    disable_mfa: bool,
) -> Result<String, DatabaseError> {
    in_time(connection).await?;
    schema::family(&mut *connection).await?;
    let reset = sqlx::query_scalar(
        r#"UPDATE "user" SET password = $1,
                  "mfaEnabled" = "mfaEnabled" AND NOT $2,
                  "mfaSecret" = CASE WHEN $2 THEN NULL ELSE "mfaSecret" END,
                  "mfaRecoveryCodes" = CASE WHEN $2 THEN NULL ELSE "mfaRecoveryCodes" END,
                  "updatedAt" = CURRENT_TIMESTAMP(3)
            WHERE id = (SELECT id FROM "user"
                         WHERE "roleSlug" = 'global:owner' AND email IS NOT NULL AND password IS NOT NULL
                         ORDER BY "createdAt", id LIMIT 1)
        RETURNING email"#,
    );
    let email: Option<String> = reset
        .bind(password_hash)
        .bind(disable_mfa)
        .fetch_optional(connection)
        .await
        .map_err(refused("reset the owner's password"))?;
    let email = email.ok_or(DatabaseError::NoOwner(*name))?;
    tracing::info!(database.name = %name, disable_mfa, "the owner's password was reset");
    Ok(email)
}
