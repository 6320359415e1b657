//! Statements that take no parameters, with names and texts put in safely.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::DatabaseError;
use super::session::refused;

/// A name as SQL writes it, whatever is in it.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL writes it. PostgreSQL reads backslashes literally (`standard_conforming_strings`).
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Runs statements that take no parameters. `what` is what the error says was refused: never the statement itself.
pub(crate) async fn run(
    connection: &mut PgConnection,
    what: &'static str,
    statements: impl Into<String>,
) -> Result<(), DatabaseError> {
    let ran = sqlx::raw_sql(AssertSqlSafe(statements.into())).execute(connection).await;
    ran.map(drop).map_err(refused(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(identifier("ten_1\"; DROP ROLE rp9; --"), "\"ten_1\"\"; DROP ROLE rp9; --\"");
        assert_eq!(literal("it's'; --"), "'it''s''; --'");
    }
}
