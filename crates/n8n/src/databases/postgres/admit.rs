//! Who is let into the platform's own schema in a tenant's database.

use sqlx::postgres::PgConnection;

use super::session::refused;
use super::statement::{identifier, run};
use super::{DatabaseError, Name};

/// Lets the keeper work in the platform's own schema, and n8n's login call what is for it there. Nothing where there is no such schema.
pub(super) async fn admit(platform: &mut PgConnection, name: &Name) -> Result<(), DatabaseError> {
    let question = sqlx::query_scalar("SELECT to_regnamespace('rp9') IS NOT NULL");
    let there: bool =
        question.fetch_one(&mut *platform).await.map_err(refused("look for the platform's schema"))?;
    if !there {
        return Ok(());
    }
    let (keeper, tenant) = (identifier(&name.keeper()), identifier(&name.to_string()));
    let grants = format!(
        "GRANT USAGE ON SCHEMA rp9 TO {keeper}, {tenant};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rp9 TO {keeper};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA rp9 TO {keeper}"
    );
    run(platform, "open the platform's schema to a keeper", grants).await
}
