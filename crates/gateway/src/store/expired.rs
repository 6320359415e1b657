//! What need not be remembered any longer.

use std::num::NonZeroU16;

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

/// So many at once: each takes its journal along.
pub const OPERATIONS_BATCH: u64 = 500;

/// Forgets operations that ended so many days ago, with their journals. Returns how many. A part stays as long as what it is a part of is
/// not over, and that stays until its parts are gone. One that is stuck has not ended.
pub async fn forget_operations(executor: impl PgExecutor<'_>, days: NonZeroU16) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "delete from operations where id in
             (select o.id from operations o where o.finished_at < now() - make_interval(days => $1)
                 and not exists (select from operations part where part.parent_id = o.id)
                 and not exists (select from operations whole where whole.id = o.parent_id and whole.finished_at is null)
               order by o.finished_at limit 500 for update skip locked)",
    );
    Ok(forgotten.bind(i32::from(days.get())).execute(executor).await?.rows_affected())
}
