//! What need not be remembered any longer.

use sqlx::PgExecutor;

/// So many rows at once: a fraction of a second, and no long lock.
pub const BATCH: u64 = 5_000;

/// Forgets signatures that their time alone would refuse by now. Returns how many.
///
/// A signature may be dated 300 seconds ahead and is good for 300 after: ten minutes, and one for luck.
pub async fn forget_signatures(executor: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "delete from request_signatures where digest in
             (select digest from request_signatures where seen_at < now() - interval '11 minutes'
               order by seen_at limit 5000 for update skip locked)",
    );
    Ok(forgotten.execute(executor).await?.rows_affected())
}

/// Forgets answers after their 24 hours. Returns how many.
pub async fn forget_answers(executor: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "delete from idempotency_keys where (subject, key) in
             (select subject, key from idempotency_keys where created_at < now() - interval '24 hours'
               order by created_at limit 5000 for update skip locked)",
    );
    Ok(forgotten.execute(executor).await?.rows_affected())
}

/// Forgets dead letters after 30 days, decided about or not. Returns how many.
pub async fn forget_dead_letters(executor: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "delete from dead_letters where id in
             (select id from dead_letters where at < now() - interval '30 days' and state <> 'replaying'
               order by at limit 5000 for update skip locked)",
    );
    Ok(forgotten.execute(executor).await?.rows_affected())
}
