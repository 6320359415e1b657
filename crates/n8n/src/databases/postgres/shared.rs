//! The platform's own schema in the database of an n8n that tenants share.

use sqlx::postgres::PgConnection;

use super::statement::{identifier, run};
use super::{DatabaseError, Name, schema};
use crate::hooks;

/// In one transaction, as statements sent together are.
pub(super) async fn ensure(connection: &mut PgConnection, name: &Name) -> Result<(), DatabaseError> {
    schema::family(&mut *connection).await?;
    let statements = hooks::schema(&identifier(&name.to_string()));
    run(connection, "bring the schema of those who share it up to date", statements).await
}
