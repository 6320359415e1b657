//! Connections that are kept for a moment, for what is asked of the same database again and again.
//!
//! To let one of ours in costs the server more than most of what is asked then: proving the password, a process, and the catalogue read anew. So
//! whoever works on the members of a shared n8n finds those that others have left, and whatever nobody has asked for a while is closed.
//!
//! A kept connection remembers the statements that were made on it. What they return is cast, so that n8n's own migrations between two
//! questions do not make them unusable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{Postgres, Row as _};

use super::session::{CONNECT_TIMEOUT, refused};
use super::{DatabaseError, Name, PostgresDatabases, keeper};

/// To one database. Whoever is next waits for as long as the server may take to let somebody in.
const AT_ONCE: u32 = 8;

/// Longer than the pauses within one tenant's removal.
const IDLE_FOR: Duration = Duration::from_secs(30);

/// Then another one is opened: whether the password is still right, and where the server's name leads, is asked only then.
const LIFETIME: Duration = Duration::from_secs(600);

/// By the name of their database, none for the administrator's own. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<HashMap<String, PgPool>>>);

impl Kept {
    fn pools(&self) -> MutexGuard<'_, HashMap<String, PgPool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those to a database that goes: nobody is to come in by them, nor to find them.
    pub(super) fn forget(&self, database: &str) {
        self.pools().remove(database);
    }

    /// Those of a former login. Whoever has one of them goes on with it.
    pub(super) fn forget_all(&self) {
        self.pools().clear();
    }
}

impl PostgresDatabases {
    /// A connection to this tenant's database that goes back when it is dropped. Settings of its session have to be left as they are.
    pub(crate) async fn borrow(&self, name: &Name) -> Result<PoolConnection<Postgres>, DatabaseError> {
        let database = name.to_string();
        let mut borrowed = self.acquire(name, &database).await;
        if self.is_shut_out(&database, &borrowed) {
            self.kept.forget(&database);
            keeper::ensure(self, name, &database).await?;
            borrowed = self.acquire(name, &database).await;
        }
        borrowed.map_err(|error| {
            let error = self.absent(name, &database, error);
            if matches!(error, DatabaseError::NoDatabase(_)) {
                self.kept.forget(&database);
            }
            error
        })
    }

    async fn acquire(&self, name: &Name, database: &str) -> Result<PoolConnection<Postgres>, DatabaseError> {
        let pool = self.pool(database, || self.way_in(name, database))?;
        pool.acquire().await.map_err(refused("connect"))
    }

    /// The same to the administrator's own database, for looks at the server. Nothing stays locked by it.
    pub(super) async fn borrow_own(&self) -> Result<PoolConnection<Postgres>, DatabaseError> {
        self.pool("", || Ok(self.login()))?.acquire().await.map_err(refused("connect"))
    }

    /// Opened with the login of now, under the same lock that a change of it takes.
    fn pool(
        &self,
        database: &str,
        to: impl FnOnce() -> Result<PgConnectOptions, DatabaseError>,
    ) -> Result<PgPool, DatabaseError> {
        let mut pools = self.kept.pools();
        if let Some(pool) = pools.get(database) {
            return Ok(pool.clone());
        }
        let pool = PgPoolOptions::new()
            .max_connections(AT_ONCE)
            .acquire_timeout(CONNECT_TIMEOUT)
            .idle_timeout(IDLE_FOR)
            .max_lifetime(LIFETIME)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(takes_writes(connection)))
            .connect_lazy_with(self.limits.ordinary(to()?));
        pools.insert(database.to_owned(), pool.clone());
        Ok(pool)
    }
}

/// A server that was demoted meanwhile takes none, nor does one that guards the last of its disk: whoever is on it has to look for the server
/// anew. Costs what asking whether it is there at all would.
async fn takes_writes(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let shown: PgRow = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(connection).await?;
    Ok(shown.try_get::<&str, _>(0)? == "off")
}
