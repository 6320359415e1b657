//! A tenant's database: a copy of a template, handed to the tenant.
//!
//! The database stays the administrator's; the schema's content becomes the tenant's. So n8n can alter its tables when
//! it migrates, and the tenant can neither drop the database nor let anybody else in.

use sqlx::postgres::PgConnection;

use super::database::{READY, condemn, find, remove, shut};
use super::session::{has_code, refused};
use super::statement::{identifier, literal, run};
use super::{DatabaseError, Name, PostgresDatabases, meter, roles};
use crate::{Version, databases::template_name};

pub(super) async fn ensure(
    server: &PostgresDatabases,
    name: &Name,
    owner: &Name,
    template: Version,
) -> Result<(), DatabaseError> {
    let database = name.to_string();
    let mut session = server.lock(&database).await?;
    let mut state = find(&mut session, &database).await?;
    if state.as_ref().is_some_and(|state| state.invalid) {
        remove(&mut session, &database).await?;
        state = None;
    }
    if state.as_ref().is_some_and(|state| state.ready) {
        return Ok(());
    }
    if !roles::exists(&mut session, &owner.to_string()).await? {
        return Err(DatabaseError::NoRole(*owner));
    }
    if state.is_none() {
        create(&mut session, &database, template).await?;
    }
    // A copy appears whole or not at all, so one that was left here lacks only what follows, and all of it repeats.
    hand_over(server, &mut session, (&database, owner), &template_name(template)).await?;
    let mark = format!("COMMENT ON DATABASE {} IS {}", identifier(&database), literal(READY));
    run(&mut session, "mark a database", mark).await
}

/// The same of one that is not there, and is not finished by it.
pub(super) async fn make(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    (database, owner): (&str, &Name),
    template: Version,
) -> Result<(), DatabaseError> {
    create(session, database, template).await?;
    hand_over(server, session, (database, owner), &template_name(template)).await
}

async fn create(session: &mut PgConnection, database: &str, template: Version) -> Result<(), DatabaseError> {
    let source = template_name(template);
    let question =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)");
    let finished: bool =
        question.bind(&source).fetch_one(&mut *session).await.map_err(refused("look for a template"))?;
    if !finished {
        return Err(DatabaseError::NoTemplate(template));
    }
    let copy = format!("CREATE DATABASE {} TEMPLATE {}", identifier(database), identifier(&source));
    let Err(error) = run(session, "copy a template", copy).await else { return Ok(()) };
    let cause = unfit(error)?;
    condemn(session, &source).await?;
    Err(DatabaseError::UnfitTemplate(template, cause))
}

/// The cause, if it lies in the source: its collations are of another C library (XX000, which has no code of its own), pages of it are
/// damaged (XX001), or files of it are gone (58P01, which counts as a failure of the machine below and would be waited for). Any
/// other error stays what it is.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else an error is, it stays")]
fn unfit(error: DatabaseError) -> Result<sqlx::Error, DatabaseError> {
    let unfit = |cause: &sqlx::Error| ["XX000", "XX001", "58P01"].iter().any(|code| has_code(cause, code));
    match error {
        DatabaseError::Refused(_, cause) | DatabaseError::Unavailable(cause) if unfit(&cause) => Ok(cause),
        other => Err(other),
    }
}

async fn hand_over(
    server: &PostgresDatabases,
    session: &mut PgConnection,
    (database, name): (&str, &Name),
    former: &str,
) -> Result<(), DatabaseError> {
    shut(session, database, &name.to_string()).await?;
    let former_exists = roles::exists(session, former).await?;
    let mut inside = server.open_as_platform(database).await?;
    let owner = identifier(&name.to_string());
    // Also what PostgreSQL asks of a new owner before it accepts one.
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA public TO {owner}");
    run(&mut inside, "open the schema to a tenant", grant).await?;
    if former_exists {
        let former = identifier(former);
        run(&mut inside, "hand over the tables", format!("REASSIGN OWNED BY {former} TO {owner}")).await?;
        let revoke = format!("REVOKE ALL ON SCHEMA public FROM {former}");
        run(&mut inside, "close the schema to the template's role", revoke).await?;
    }
    drop(inside);
    // Before n8n first runs. A template that was made by a former release has none.
    meter::ensure(server, name, database).await
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;

    use sqlx::error::{DatabaseError as Answer, ErrorKind};

    use super::*;

    /// An answer of the server's with this code.
    #[derive(Debug)]
    struct Coded(&'static str);

    impl fmt::Display for Coded {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Coded {}

    impl Answer for Coded {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_template_without_its_files_is_unfit_and_a_server_that_is_away_is_not() {
        let is_unfit = |code| unfit(refused("copy")(sqlx::Error::Database(Box::new(Coded(code))))).is_ok();
        for code in ["XX000", "XX001", "58P01"] {
            assert!(is_unfit(code), "{code}");
        }
        for code in ["58030", "57P01", "55006", "42501"] {
            assert!(!is_unfit(code), "{code}");
        }
        assert!(unfit(refused("copy")(sqlx::Error::PoolTimedOut)).is_err());
    }
}
