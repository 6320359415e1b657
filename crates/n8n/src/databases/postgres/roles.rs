//! Login roles.

use secrecy::SecretString;
use sqlx::postgres::PgConnection;

use super::session::{is_refusal, refused};
use super::statement::{identifier, literal, run};
use super::{DatabaseError, Name, scram};

/// Makes the role or brings it to this password and limit, and lets the administrator act for it: only so can it hand
/// over objects, read the tenant's tables and end the tenant's connections.
pub(super) async fn ensure(
    session: &mut PgConnection,
    name: &str,
    password: &SecretString,
    connection_limit: u16,
) -> Result<(), DatabaseError> {
    let verb = if exists(session, name).await? { "ALTER" } else { "CREATE" };
    let (role, verifier) = (identifier(name), literal(&scram::verifier(password)?));
    let attributes = format!("LOGIN NOINHERIT CONNECTION LIMIT {connection_limit} PASSWORD {verifier}");
    run(session, "make a role", format!("{verb} ROLE {role} {attributes}")).await?;
    let grant = format!("GRANT {role} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE");
    run(session, "act for a role", grant).await?;
    bound(session, &role).await
}

/// What one session of a tenant may cost the others. Generous: a migration of n8n that builds an index over a large table is a
/// statement too.
async fn bound(session: &mut PgConnection, role: &str) -> Result<(), DatabaseError> {
    for (setting, value) in [("statement_timeout", "30min"), ("idle_in_transaction_session_timeout", "5min")]
    {
        run(session, "bound a role", format!("ALTER ROLE {role} SET {setting} = {}", literal(value))).await?;
    }
    let files = format!("ALTER ROLE {role} SET temp_file_limit = '1GB'");
    match run(session, "bound a role's files", files).await {
        // The right to set it has to be granted, which servers of before, and others' servers, may lack.
        Err(error) if is_refusal(&error, "42501") => {
            tracing::warn!(
                "temporary files of tenants are not bounded: grant set on parameter temp_file_limit to the \
                 administrator of the tenants' databases"
            );
            Ok(())
        }
        set => set,
    }
}

/// Keeps the role for what it owns, and lets nobody log in as it.
pub(super) async fn close(session: &mut PgConnection, name: &str) -> Result<(), DatabaseError> {
    run(session, "close a role", format!("ALTER ROLE {} NOLOGIN PASSWORD NULL", identifier(name))).await
}

pub(super) async fn exists(session: &mut PgConnection, name: &str) -> Result<bool, DatabaseError> {
    let question = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)").bind(name);
    question.fetch_one(session).await.map_err(refused("look for a role"))
}

/// Its keeper goes with it, or stays with it: sessions of a role that is gone could be ended by nobody. Both locks are held.
pub(super) async fn remove(session: &mut PgConnection, name: &Name) -> Result<(), DatabaseError> {
    let roles = [name.keeper(), name.to_string()].map(|role| identifier(&role));
    let removal = roles.map(|role| format!("DROP ROLE IF EXISTS {role};")).concat();
    let removed = run(session, "remove a role", removal).await;
    // 2BP01: other objects depend on it.
    removed.map_err(|error| if is_refusal(&error, "2BP01") { DatabaseError::RoleInUse(*name) } else { error })
}
