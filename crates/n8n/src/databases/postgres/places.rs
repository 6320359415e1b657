//! A tenant's database, and those that stand beside it while a backup takes its place. They change places by their names, in one transaction: whoever
//! opens the tenant's database finds one of them, whole, at each moment.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::database::{find, remove};
use super::session::{has_code, refused};
use super::statement::identifier;
use super::template::end_connections;
use super::{DatabaseError, Name, PostgresDatabases};
use crate::databases::Beside;

pub(super) async fn put_in_place(server: &PostgresDatabases, name: &Name) -> Result<(), DatabaseError> {
    let (live, next, former) = (name.to_string(), name.beside(Beside::Next), name.beside(Beside::Former));
    let mut session = server.lock(&live).await?;
    // One that is not finished is no database yet.
    if !find(&mut session, &next).await?.is_some_and(|state| state.ready) {
        let was_done = find(&mut session, &former).await?.is_some();
        return if was_done { Ok(()) } else { Err(DatabaseError::NoDatabase(*name)) };
    }
    // It may be what was lost.
    let mut renames = Vec::new();
    if find(&mut session, &live).await?.is_some() {
        renames.push((live.as_str(), former.as_str()));
    }
    renames.push((&next, &live));
    server.kept.forget(&live);
    rename(&mut session, &renames).await
}

pub(super) async fn take_back(server: &PostgresDatabases, name: &Name) -> Result<bool, DatabaseError> {
    let (live, next, former) = (name.to_string(), name.beside(Beside::Next), name.beside(Beside::Former));
    let mut session = server.lock(&live).await?;
    if find(&mut session, &former).await?.is_none() {
        return Ok(false);
    }
    let mut renames = Vec::new();
    if find(&mut session, &live).await?.is_some() {
        renames.push((live.as_str(), next.as_str()));
    }
    renames.push((&former, &live));
    server.kept.forget(&live);
    rename(&mut session, &renames).await?;
    Ok(true)
}

pub(super) async fn clear(server: &PostgresDatabases, name: &Name) -> Result<(), DatabaseError> {
    for beside in Beside::ALL.map(|which| name.beside(which)) {
        let mut session = server.lock(&beside).await?;
        remove(&mut session, &beside).await?;
    }
    Ok(())
}

/// Whoever comes in between keeps it from being done: it is asked for again.
async fn rename(session: &mut PgConnection, renames: &[(&str, &str)]) -> Result<(), DatabaseError> {
    for (from, _) in renames {
        end_connections(session, from).await?;
    }
    let statements = renames
        .iter()
        .map(|(from, to)| format!("ALTER DATABASE {} RENAME TO {};", identifier(from), identifier(to)));
    // Statements that are sent together are one transaction.
    let renamed = sqlx::raw_sql(AssertSqlSafe(statements.collect::<String>())).execute(session).await;
    match renamed.map_err(refused("rename databases")) {
        // 55006: somebody is inside.
        Err(DatabaseError::Refused(_, cause)) if has_code(&cause, "55006") => {
            Err(DatabaseError::Unavailable(cause))
        }
        renamed => renamed.map(drop),
    }
}
