//! The platform's own schema in the database of an n8n that tenants share.

use sqlx::postgres::PgConnection;

use super::session::refused;
use super::statement::{identifier, run};
use super::{DatabaseError, schema};
use crate::hooks;

/// n8n's own login, which made its tables or was given them.
const LOGIN: &str =
    "SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = 'public.webhook_entity'::regclass";

/// In one transaction, as statements sent together are.
pub(super) async fn ensure(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    schema::family(&mut *connection).await?;
    let login = sqlx::query_scalar(LOGIN).fetch_one(&mut *connection).await;
    let login: String = login.map_err(refused("look for n8n's login"))?;
    let statements = hooks::schema(&identifier(&login));
    run(connection, "bring the schema of those who share it up to date", statements).await
}
