//! What is done to databases of ours, tenants' and templates alike.

use sqlx::postgres::PgConnection;

use super::DatabaseError;
use super::session::{has_code, refused};
use super::statement::{identifier, run};

/// The comment of a database that is finished. Set last: what lacks it is taken up again.
pub(super) const READY: &str = "rp9:ready";

/// What PostgreSQL sets `datconnlimit` to when a removal begins. Such a database can only be removed.
pub(super) const INVALID: i32 = -2;

#[derive(sqlx::FromRow)]
pub(super) struct State {
    pub invalid: bool,
    pub ready: bool,
}

pub(super) async fn find(session: &mut PgConnection, database: &str) -> Result<Option<State>, DatabaseError> {
    let question = sqlx::query_as(
        "SELECT datconnlimit = $2 AS invalid, shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM $3 AS ready
           FROM pg_database WHERE datname = $1",
    );
    let bound = question.bind(database).bind(INVALID).bind(READY);
    bound.fetch_optional(session).await.map_err(refused("look for a database"))
}

/// Lets this role into the database, and nobody else but the administrator.
pub(super) async fn shut(
    session: &mut PgConnection,
    database: &str,
    guest: &str,
) -> Result<(), DatabaseError> {
    let (database, guest) = (identifier(database), identifier(guest));
    run(session, "close a database", format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
    let grant = format!("GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {guest}");
    run(session, "open a database to its tenant", grant).await
}

/// Drops it, connections or not. Also what an interrupted removal left.
///
/// The connections of a superuser, such as a monitor's, are not ours to end: nobody gets in again, and those who are inside are
/// waited for. Autovacuum is one of them to the forced removal, which then ends nobody; the plain one ends it by itself.
pub(super) async fn remove(session: &mut PgConnection, database: &str) -> Result<(), DatabaseError> {
    if find(session, database).await?.is_some_and(|state| !state.invalid) {
        let close = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", identifier(database));
        run(session, "close a database", close).await?;
    }
    let removal = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(database));
    let removed = run(session, "remove a database", removal).await;
    // 42501: permission denied to terminate a process.
    let Err(DatabaseError::Refused(_, cause)) = &removed else { return removed };
    if !has_code(cause, "42501") {
        return removed;
    }
    end_connections(session, database).await?;
    let plain = format!("DROP DATABASE IF EXISTS {}", identifier(database));
    unless_somebody_is_inside(run(session, "remove a database", plain).await)
}

/// What is refused because of somebody inside may be asked for again.
pub(super) fn unless_somebody_is_inside(done: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
    match done {
        // 55006: somebody is inside.
        Err(DatabaseError::Refused(_, cause)) if has_code(&cause, "55006") => {
            Err(DatabaseError::Unavailable(cause))
        }
        done => done,
    }
}

/// Ends those inside whom we may end. The server waits five seconds for the others before it refuses a copy or a removal.
pub(super) async fn end_connections(session: &mut PgConnection, database: &str) -> Result<(), DatabaseError> {
    let end = sqlx::query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
          WHERE datname = $1 AND pg_has_role(usesysid, 'MEMBER')",
    );
    end.bind(database).execute(session).await.map(drop).map_err(refused("end connections"))
}

/// Lets a template count as unfinished, so that nobody copies it and the next who needs it makes it anew.
pub(super) async fn condemn(session: &mut PgConnection, name: &str) -> Result<(), DatabaseError> {
    let condemn = format!("ALTER DATABASE {} WITH IS_TEMPLATE false", identifier(name));
    run(session, "condemn a template", condemn).await
}
