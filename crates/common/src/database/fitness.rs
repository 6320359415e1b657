//! Whether a connection is what was asked for.
//!
//! What a connection begins with (limits of time, an owner's role) goes along with its start, so that it costs no round trip and none
//! is without. A pooler between here and the server may drop that in silence, and a name may lead to a server that was demoted. So each
//! connection is asked once, before it is used for anything (ADR 22).

use std::time::Instant;

use sqlx::{
    PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};

use super::write_probe::WriteProbe;

/// What we begin connections with, and rely on.
const RELIED_ON: [&str; 7] = [
    "role",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "enable_sort",
    "enable_bitmapscan",
    "enable_seqscan",
];

/// Asks for all of them. As one plain text, for which a new connection needs a single round trip and next to nothing of the catalog.
const QUESTION: &str = "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only,
    current_setting('role') as role,
    current_setting('statement_timeout') as statement_timeout, current_setting('lock_timeout') as lock_timeout,
    current_setting('idle_in_transaction_session_timeout') as idle_in_transaction_session_timeout,
    current_setting('enable_sort') as enable_sort, current_setting('enable_bitmapscan') as enable_bitmapscan,
    current_setting('enable_seqscan') as enable_seqscan";

/// Why a connection cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the server only follows another one and takes no writes")]
    Standby,
    #[error(
        "what connections begin with does not arrive ({0}): a pooler before the server has to pool by session and to hand on `options`"
    )]
    Settings(String),
}

/// Looks at a new connection that was begun with these options.
pub(super) async fn look(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
) -> Result<Option<Unfit>, sqlx::Error> {
    unfit(&ask(connection).await?, options)
}

async fn ask(connection: &mut PgConnection) -> Result<PgRow, sqlx::Error> {
    sqlx::raw_sql(QUESTION).fetch_one(connection).await
}

fn unfit(seen: &PgRow, options: &PgConnectOptions) -> Result<Option<Unfit>, sqlx::Error> {
    if seen.try_get("standby")? {
        return Ok(Some(Unfit::Standby));
    }
    let mut lost = Vec::new();
    for (name, value) in relied_on(options.get_options().unwrap_or_default()) {
        if seen.try_get::<&str, _>(name)? != value {
            lost.push(name);
        }
    }
    Ok((!lost.is_empty()).then(|| Unfit::Settings(lost.join(", "))))
}

/// The same for pools, which know errors of their own only. They also hear whether its server takes writes.
pub(super) async fn check(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
    probe: &WriteProbe,
) -> Result<(), sqlx::Error> {
    let seen = ask(connection).await?;
    probe.made(seen.try_get::<&str, _>("read_only")? == "off", Instant::now());
    match unfit(&seen, options)? {
        None => Ok(()),
        Some(unfit) => Err(sqlx::Error::Configuration(unfit.into())),
    }
}

/// Whether the server takes writes. One that was demoted does not, nor one that guards the last of its disk; whoever holds a connection to it
/// has to look for the server anew. Costs what a ping costs.
async fn takes_writes(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let shown: PgRow = sqlx::raw_sql("show transaction_read_only").fetch_one(connection).await?;
    Ok(shown.try_get::<&str, _>(0)? == "off")
}

/// Asks, and says whether the connection is of use: one that does not answer never is.
pub(super) async fn is_of_use(
    connection: &mut PgConnection,
    probe: &WriteProbe,
) -> Result<bool, sqlx::Error> {
    let takes_writes = takes_writes(connection).await?;
    Ok(probe.keeps(takes_writes, Instant::now()))
}

/// Of settings written `-c name=value`, the last of each name counts, as it does to the server.
fn relied_on(options: &str) -> impl Iterator<Item = (&str, &str)> {
    let last_of = move |name: &&'static str| {
        let mut settings = options.split_whitespace().rev().filter_map(|word| word.split_once('='));
        settings.find(|(given, _)| given == name)
    };
    RELIED_ON.iter().filter_map(last_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_values_the_last_one_counts() {
        let options =
            "-c statement_timeout=60s -c search_path=record -c statement_timeout=15s -c role=authenticated";
        let expected = [("role", "authenticated"), ("statement_timeout", "15s")];
        assert_eq!(relied_on(options).collect::<Vec<_>>(), expected);
        assert_eq!(relied_on("").count(), 0);
    }
}
