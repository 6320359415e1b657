//! An edge that follows the table of routes without delay.

use async_trait::async_trait;
use edge::{Edge, EdgeError, Host, Mark};
use sqlx::PgPool;

/// Whatever the table says is in force.
pub struct TableEdge(pub PgPool);

#[async_trait]
impl Edge for TableEdge {
    async fn confirm(&self, host: &Host, expected: Mark) -> Result<(), EdgeError> {
        match self.generation(host).await? {
            Some(_) => Ok(()),
            None => Err(EdgeError::NotYet { seen: format!("no {expected:?}") }),
        }
    }

    async fn confirm_gone(&self, host: &Host) -> Result<(), EdgeError> {
        match self.generation(host).await? {
            None => Ok(()),
            Some(_) => Err(EdgeError::NotYet { seen: "a route".into() }),
        }
    }
}

impl TableEdge {
    /// One row: reading the whole table for every tenant is what no edge does either.
    async fn generation(&self, host: &Host) -> Result<Option<i64>, EdgeError> {
        let found = sqlx::query_scalar("select generation from routes where host = $1").bind(host.as_str());
        found.fetch_optional(&self.0).await.map_err(|error| EdgeError::Unavailable(error.into()))
    }
}
