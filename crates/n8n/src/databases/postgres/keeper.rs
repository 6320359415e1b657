//! The keepers of tenants' databases: the logins by which the platform enters them (ADR 72).
//!
//! The tenant's own role owns what is in its database, and may put code there that runs in whoever comes in. So nobody comes in who may more than that role:
//! code can end `SET ROLE`, and cannot become anybody but whoever signed in.

use sqlx::postgres::PgConnection;

use super::admit::admit;
use super::session::{connect, has_code, is_refusal, refused};
use super::statement::{identifier, literal, run};
use super::{DatabaseError, Keeper, Name, PostgresDatabases, database, meter, roles, scram};
use crate::databases::Beside;

/// To all the databases of one tenant, by all services together: five processes with as many as one keeps ([`super::kept`]). Bounded, because code in such
/// a session may change the password of its own role, and let others in by it.
const CONNECTIONS: u16 = 40;

/// Whether it is the keeper that is not let in: there is none, it has a password of another time (28P01, 28000), or it is nobody's (42501).
pub(super) fn is_shut_out(error: &DatabaseError) -> bool {
    let shut_out = |cause: &sqlx::Error| ["28P01", "28000", "42501"].iter().any(|code| has_code(cause, code));
    matches!(error, DatabaseError::Unavailable(cause) | DatabaseError::Refused(_, cause) if shut_out(cause))
}

/// Makes it, or brings it up to date, unless somebody else has meanwhile and it is let into this database. Under a lock of its own name: whoever enters
/// may hold that of the tenant's.
pub(super) async fn ensure(
    server: &PostgresDatabases,
    name: &Name,
    database: &str,
) -> Result<(), DatabaseError> {
    let mut session = server.lock(&name.keeper()).await?;
    let entered = connect(&server.limits.ordinary(server.way_in(name, database)?)).await;
    if !server.is_shut_out(database, &entered) {
        return Ok(());
    }
    if roles::exists(&mut session, &name.to_string()).await? {
        return make(server, &mut session, name).await;
    }
    let is_there = database::find(&mut session, &name.to_string()).await?.is_some();
    Err(if is_there { DatabaseError::NoRole(*name) } else { DatabaseError::NoDatabase(*name) })
}

/// Makes it for a role that was just made, unless it is there. The session has its lock.
pub(super) async fn ensure_there(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    name: &Name,
) -> Result<(), DatabaseError> {
    let question =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin)");
    let there = question.bind(name.keeper()).fetch_one(&mut *session).await;
    if there.map_err(refused("look for a keeper"))? { Ok(()) } else { make(server, session, name).await }
}

/// It can sign in once all the rest is done, so that one that was left half made is made to its end by whoever comes next.
async fn make(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    name: &Name,
) -> Result<(), DatabaseError> {
    let Keeper { role, password } = server.keeper(name)?;
    let verb = if roles::exists(session, &role).await? { "ALTER" } else { "CREATE" };
    let (keeper, tenant) = (identifier(&role), identifier(&name.to_string()));
    // The last but one lets the administrator end its connections.
    let begun = format!(
        "{verb} ROLE {keeper} NOLOGIN INHERIT NOCREATEDB NOCREATEROLE; ALTER ROLE {keeper} RESET ALL;
         GRANT {keeper} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;
         GRANT {tenant} TO {keeper} WITH INHERIT TRUE, SET TRUE"
    );
    run(session, "make a keeper", begun).await?;
    for database in databases(session, name).await? {
        match admit_to(server, session, (name, &database)).await {
            // 3D000: it is gone by now.
            Err(error) if is_refusal(&error, "3D000") => {}
            admitted => admitted?,
        }
    }
    let verifier = literal(&scram::verifier(&password)?);
    let finished = format!("ALTER ROLE {keeper} LOGIN CONNECTION LIMIT {CONNECTIONS} PASSWORD {verifier}");
    run(session, "let a keeper sign in", finished).await?;
    tracing::info!(database.name = %name, "the keeper of a tenant's databases was made, or brought up to date");
    Ok(())
}

/// Those that are there and can be entered.
async fn databases(session: &mut PgConnection, name: &Name) -> Result<Vec<String>, DatabaseError> {
    let mut names = Beside::ALL.map(|which| name.beside(which)).to_vec();
    names.push(name.to_string());
    let question = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database WHERE datname = ANY ($1) AND datallowconn AND datconnlimit <> $2",
    );
    let found = question.bind(names).bind(database::INVALID).fetch_all(session).await;
    found.map_err(refused("look for a tenant's databases"))
}

async fn admit_to(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    (name, database): (&Name, &str),
) -> Result<(), DatabaseError> {
    let forget =
        format!("ALTER ROLE {} IN DATABASE {} RESET ALL", identifier(&name.keeper()), identifier(database));
    run(session, "forget a keeper's settings", forget).await?;
    let mut platform = server.open_as_platform(database).await?;
    meter::renew(&mut platform).await?;
    admit(&mut platform, name).await
}
