//! The meter of what an instance runs (`crate::executions`).

use sqlx::postgres::PgConnection;

use super::DatabaseError;
use super::schema::family;
use super::session::refused;

/// The schema's statements; they may be run as often as one likes.
const METER: &str = include_str!("meter.sql");

/// In one transaction, as statements sent together are. Where the meter stands nothing is changed and nothing locked.
pub(crate) async fn ensure(connection: &mut PgConnection) -> Result<(), DatabaseError> {
    family(&mut *connection).await?;
    if stands(connection).await? {
        return Ok(());
    }
    let made = sqlx::raw_sql(METER).execute(connection).await;
    made.map(drop).map_err(refused("make a meter"))
}

/// The version is what `meter.sql` ends with. A migration of n8n's that makes its table anew takes the trigger along.
async fn stands(connection: &mut PgConnection) -> Result<bool, DatabaseError> {
    let question = sqlx::query_scalar(
        "SELECT coalesce(obj_description(to_regclass('rp9.execution'), 'pg_class') = 'rp9 meter 1', false)
            AND EXISTS (SELECT FROM pg_trigger
                         WHERE tgrelid = to_regclass('public.execution_entity') AND tgname = 'rp9_write_down' AND tgenabled = 'O')",
    );
    question.fetch_one(connection).await.map_err(refused("look at a meter"))
}
