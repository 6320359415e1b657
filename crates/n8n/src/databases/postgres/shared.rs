//! The platform's own schema in the database of an n8n that tenants share.

use sqlx::postgres::PgConnection;

use super::admit::admit;
use super::session::refused;
use super::statement::{identifier, run};
use super::{DatabaseError, Name, PostgresDatabases, schema};
use crate::hooks;

/// n8n's own login, which made its tables or was given them.
const LOGIN: &str =
    "SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = 'public.webhook_entity'::regclass";

/// The schema and what is in it is the platform's, what stands in n8n's own tables is the keeper's. Each of the two is done as a whole, as statements sent
/// together are.
pub(super) async fn ensure(server: &PostgresDatabases, name: &Name) -> Result<(), DatabaseError> {
    let mut inside = server.open(name).await?;
    schema::family(&mut inside).await?;
    let database = name.to_string();
    let mut platform = server.open_as_platform(&database).await?;
    let statements = hooks::schema(&identifier(&login(&mut platform).await?));
    let alone = server.lock(&name.keeper()).await?;
    run(&mut platform, "bring the schema of those who share it up to date", statements).await?;
    if !server.is_elsewhere(&database) {
        admit(&mut platform, name).await?;
    }
    drop(alone);
    run(&mut inside, "bring what stands in n8n's tables up to date", hooks::IN_TABLES).await
}

async fn login(platform: &mut PgConnection) -> Result<String, DatabaseError> {
    let login = sqlx::query_scalar(LOGIN).fetch_one(platform).await;
    login.map_err(refused("look for n8n's login"))
}
