//! Beginning transactions.

use sqlx::{PgPool, PgTransaction};

/// Begins a transaction, whatever becomes of whoever asked for it.
///
/// sqlx takes a transaction for begun when the server has said so. Whoever is dropped while waiting for that would give a connection
/// back with a transaction open that nobody knows of: what others write there next is confirmed to them, and taken back with it.
/// So it is begun in a task, which goes on; what it began is then dropped as any other transaction, and rolled back.
#[expect(
    clippy::disallowed_methods,
    reason = "this is what others call instead; the task lasts one round trip"
)]
pub async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin().await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}
