//! `<service> migrate`: brings the record's schema up to date and ends. Any service can, and knows its own release's migrations; the
//! services themselves only wait for the schema.

use std::process::ExitCode;

use backon::Retryable;
use sqlx::PgPool;

use super::command::{Nothing, command, patiently};
use crate::{
    database::{self, DatabaseError},
    error::chain,
};

/// Success when the schema has all that this release knows.
pub(super) async fn run(name: &'static str) -> ExitCode {
    command(name, async |pool, Nothing| migrate(&pool).await).await
}

async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    (|| database::migrate(pool))
        .retry(patiently())
        .when(|error| matches!(error, DatabaseError::Connect(_)))
        .notify(|error, _| tracing::warn!(error = chain(error), "the record cannot be migrated yet"))
        .await?;
    tracing::info!("the schema is up to date");
    Ok(())
}
