//! Changing the course of an operation: one statement writes answer, change and audit entry, or nothing.
//!
//! The statement locks the operation's row first. A worker that writes to its journal changes the same row, so each of the
//! two sees what the other did, and an operation is never both cancelled and finished.

mod abandon;
mod cancel;
mod resume;

use common::id::AuditId;
use sqlx::PgExecutor;

use super::{
    accept::{AcceptError, Accepting, bind_first_time},
    operations::Operation,
};
use crate::{auth::Command, idempotency::Answer, problem::Problem};

pub use abandon::AbandonOperation;
pub use cancel::CancelOperation;
pub use resume::ResumeOperation;

/// Wraps a change's own parts into the whole statement. `possible` locks the operation (`$8`) and yields a row when it can be
/// done; `effect` defines `operation`, which reads `accepted` and yields `id` and `tenant_id` when it was.
macro_rules! steering {
    (possible: $possible:literal, effect: $effect:literal $(,)?) => {
        concat!(
            $crate::store::accept::first_time!($possible), ", ", $effect, ", audit as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest, reason)
                 select $12, $1, $10, $9, operation.tenant_id, operation.id, $11, 'accepted', $3, $13 from operation
             )
             select exists (select from operation)"
        )
    };
}
use steering;

/// A change to an operation's course.
pub trait Steering: Send + Sync {
    /// Made by `steering!`; its parameters from `$14` on are its own.
    const STATEMENT: &'static str;
    /// The word in the audit log.
    const ACTION: &'static str;

    /// Why, in the words of whoever asks.
    fn reason(&self) -> Option<&str>;
    /// Why it cannot be done to an operation that is as this one is.
    fn refusal(operation: &Operation) -> Problem;
    /// Binds the parameters from `$14` on.
    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement
    }
}

/// Does it. `false`: nothing was written, because the key was used before or because it cannot be done.
pub async fn steer<A, S: Steering>(
    executor: impl PgExecutor<'_>,
    command: &Command<A, Operation>,
    steering: &S,
    answer: &Answer,
) -> Result<bool, AcceptError> {
    let statement = bind_first_time(sqlx::query_scalar(S::STATEMENT), command, answer)
        .bind(command.target().id)
        .bind(S::ACTION)
        .bind(command.identity().role().as_str())
        .bind(command.exchange().correlation_id())
        .bind(AuditId::generate())
        .bind(steering.reason());
    Ok(steering.bind(statement).fetch_one(executor).await?)
}
