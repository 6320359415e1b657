//! A tenant's database, and those that stand beside it while a backup takes its place. They change places by their names, in one transaction: whoever
//! opens the tenant's database finds one of them, whole, at each moment.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::database::{READY, end_connections, find, remove, shut, unless_somebody_is_inside};
use super::session::refused;
use super::statement::{identifier, literal, run};
use super::template::create_empty;
use super::{DatabaseError, Name, PostgresDatabases, nothing};
use crate::databases::Beside;

pub(super) async fn put_in_place(server: &PostgresDatabases, name: &Name) -> Result<(), DatabaseError> {
    let places = Places::of(name);
    let mut session = server.lock(&places.live).await?;
    // One that is not finished is no database yet.
    if !find(&mut session, &places.next).await?.is_some_and(|state| state.ready) {
        let was_done = places.before(&mut session).await?.is_some();
        return if was_done { Ok(()) } else { Err(DatabaseError::NoDatabase(*name)) };
    }
    let mut renames = Vec::new();
    if is_there(&mut session, &places.live).await? {
        renames.push((&places.live, &places.former));
    } else if places.before(&mut session).await?.is_none() {
        create_empty(server, &mut session, (&places.nothing, &places.live)).await?;
    }
    renames.push((&places.next, &places.live));
    server.kept.forget(&places.live);
    rename(&mut session, &renames).await
}

pub(super) async fn keep_former(server: &PostgresDatabases, name: &Name) -> Result<(), DatabaseError> {
    let places = Places::of(name);
    let mut session = server.lock(&places.live).await?;
    if is_there(&mut session, &places.former).await? {
        return Ok(());
    }
    if !is_there(&mut session, &places.live).await? {
        return Err(DatabaseError::NoDatabase(*name));
    }
    // It is the former one only when it is whole: nothing of it is taken for that before it has the name.
    remove(&mut session, &places.next).await?;
    server.kept.forget(&places.live);
    end_connections(&mut session, &places.live).await?;
    let (copy, source) = (identifier(&places.next), identifier(&places.live));
    let copied =
        run(&mut session, "copy a database", format!("CREATE DATABASE {copy} TEMPLATE {source}")).await;
    unless_somebody_is_inside(copied)?;
    shut(&mut session, &places.next, &places.live).await?;
    let mark = format!("COMMENT ON DATABASE {copy} IS {}", literal(READY));
    run(&mut session, "mark a database", mark).await?;
    rename(&mut session, &[(&places.next, &places.former)]).await
}

pub(super) async fn take_back(server: &PostgresDatabases, name: &Name) -> Result<bool, DatabaseError> {
    let places = Places::of(name);
    let mut session = server.lock(&places.live).await?;
    let Some(before) = places.before(&mut session).await? else { return Ok(false) };
    let mut renames = Vec::new();
    if is_there(&mut session, &places.live).await? {
        renames.push((&places.live, &places.next));
    }
    if before == Beside::Former {
        renames.push((&places.former, &places.live));
    }
    server.kept.forget(&places.live);
    rename(&mut session, &renames).await?;
    if before == Beside::Nothing {
        remove(&mut session, &places.nothing).await?;
    }
    Ok(true)
}

/// What the databases of a tenant are called.
struct Places {
    live: String,
    next: String,
    former: String,
    nothing: String,
}

impl Places {
    fn of(name: &Name) -> Self {
        let [next, former, nothing] =
            [Beside::Next, Beside::Former, Beside::Nothing].map(|which| name.beside(which));
        Self { live: name.to_string(), next, former, nothing }
    }

    /// What tells that they have changed places: the one that was in use, or what stands for one that was lost.
    async fn before(&self, session: &mut PgConnection) -> Result<Option<Beside>, DatabaseError> {
        for (database, which) in [(&self.former, Beside::Former), (&self.nothing, Beside::Nothing)] {
            if is_there(session, database).await? {
                return Ok(Some(which));
            }
        }
        Ok(None)
    }
}

async fn is_there(session: &mut PgConnection, database: &str) -> Result<bool, DatabaseError> {
    Ok(find(session, database).await?.is_some())
}

pub(super) async fn clear(server: &PostgresDatabases, name: &Name) -> Result<(), DatabaseError> {
    let all = Beside::ALL.map(|which| name.beside(which));
    if server.has_none(&all, nothing::DATABASES).await? {
        return Ok(());
    }
    for beside in all {
        let mut session = server.lock(&beside).await?;
        remove(&mut session, &beside).await?;
    }
    Ok(())
}

/// Whoever comes in between keeps it from being done: it is asked for again.
async fn rename(session: &mut PgConnection, renames: &[(&String, &String)]) -> Result<(), DatabaseError> {
    if renames.is_empty() {
        return Ok(());
    }
    for (from, _) in renames {
        end_connections(session, from).await?;
    }
    let statements = renames
        .iter()
        .map(|(from, to)| format!("ALTER DATABASE {} RENAME TO {};", identifier(from), identifier(to)));
    // Statements that are sent together are one transaction.
    let renamed = sqlx::raw_sql(AssertSqlSafe(statements.collect::<String>())).execute(session).await;
    unless_somebody_is_inside(renamed.map(drop).map_err(refused("rename databases")))
}
