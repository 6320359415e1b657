//! What was never there needs no removal: who shares an n8n has neither a database nor a role of their own.

use super::session::{LOCKS, refused};
use super::{DatabaseError, PostgresDatabases};

/// Of databases.
pub(super) const DATABASES: &str = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = ANY($1))";

/// Of roles.
pub(super) const ROLES: &str = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ANY($1))";

impl PostgresDatabases {
    /// Whether none of these names is there, nor about to be: whoever makes one holds its lock until it is made. Does without a connection of its
    /// own, and waits for nobody: `false` where somebody is at one of them.
    pub(super) async fn has_none(&self, names: &[String], what: &'static str) -> Result<bool, DatabaseError> {
        let mut borrowed = self.borrow_own().await?;
        let failed = refused("look whether there is anything");
        let mut transaction = sqlx::Connection::begin(&mut *borrowed).await.map_err(&failed)?;
        let alone = "SELECT coalesce(bool_and(pg_try_advisory_xact_lock($1, hashtext(name))), true) FROM unnest($2::text[]) name";
        let alone: bool = sqlx::query_scalar(alone)
            .bind(LOCKS)
            .bind(names)
            .fetch_one(&mut *transaction)
            .await
            .map_err(&failed)?;
        // What was made before the locks were ours is seen by a statement after that.
        let there: bool =
            sqlx::query_scalar(what).bind(names).fetch_one(&mut *transaction).await.map_err(&failed)?;
        transaction.rollback().await.map_err(&failed)?;
        Ok(alone && !there)
    }
}
