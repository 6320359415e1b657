//! Changing the course of an operation, a schedule or a dead letter: one statement writes answer, change and audit entry, or nothing.
//!
//! The statement locks the row first. A worker that writes to an operation's journal changes the same row, so each of
//! the two sees what the other did, and an operation is never both cancelled and finished.

mod abandon;
mod cancel;
mod cancel_rollout;
mod dead_letters;
mod drain_shared_instance;
mod pause_schedule;
mod record_drill;
mod remove_backup;
mod replay_held_call;
mod reset_login;
mod resume;
mod resume_schedule;
mod revoke_key;
mod update_tenant;
mod verify_domain;

use std::fmt;

use common::{id::AuditId, operations::accept::bind_first_time};
use sqlx::PgExecutor;

use super::{
    accept::{AcceptError, Accepting, once},
    operations::Operation,
};
use crate::{
    auth::{Command, Role, Target},
    idempotency::Answer,
    problem::Problem,
    tenants::words::Reason,
};

pub use abandon::AbandonOperation;
pub use cancel::CancelOperation;
pub use cancel_rollout::CancelRollout;
pub use dead_letters::{DeleteDeadLetter, ReplayDeadLetter};
pub use drain_shared_instance::{DrainSharedInstance, ReopenSharedInstance};
pub use pause_schedule::PauseSchedule;
pub use record_drill::RecordDrill;
pub use remove_backup::{HoldBackup, ReleaseBackup, RemoveBackup};
pub use replay_held_call::{ReplayHeldCall, ReplayHeldCalls};
pub use reset_login::ResetLogin;
pub use resume::ResumeOperation;
pub use resume_schedule::ResumeSchedule;
pub use revoke_key::RevokeKey;
pub use update_tenant::UpdateTenant;
pub use verify_domain::VerifyDomain;

/// Wraps a change's own parts into the whole statement. `possible` locks the row (`$8`) and yields one when it can be done;
/// `effect` defines `operation`, which reads `accepted` and yields `id` and `tenant_id` when it was. Where something else is
/// changed, `changed` says what of: a query that yields `tenant_id` and `operation_id`.
macro_rules! steering {
    (possible: $possible:literal, effect: $effect:literal $(,)?) => {
        $crate::store::steer::steering!(
            possible: $possible,
            effect: $effect,
            changed: "select tenant_id, id as operation_id from operation",
        )
    };
    (possible: $possible:literal, effect: $effect:literal, changed: $changed:literal $(,)?) => {
        concat!(
            common::first_time!($possible), ", ", $effect, ", changed as (", $changed, "), audit as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, cluster_id, operation_id, correlation_id, outcome, request_digest, reason)
                 select $12, $1, $10, $9, tenant_id,
                        (select o.cluster_id from operations o where o.id = operation_id and o.tenant_id is null),
                        operation_id, $11, 'accepted', $3, $13 from changed
             )
             select exists (select from changed)"
        )
    };
}
use steering;

/// What has a course that can be changed.
pub trait Steerable: Target + Sync {
    /// Binds what `possible` finds its row by: `$8`.
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q>;
}

impl Steerable for Operation {
    fn bind_name<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement.bind(self.id)
    }
}

/// A change to the course of something.
pub trait Steering: Send + Sync {
    type Target: Steerable;
    /// Made by `steering!`; its parameters from `$14` on are its own.
    const STATEMENT: &'static str;
    /// The word in the audit log.
    const ACTION: &'static str;
    /// The roles that may.
    const ROLES: &'static [Role];

    /// Why, in the words of whoever asks.
    fn reason(&self) -> Option<&str>;
    /// Why it cannot be done to something that is as this is.
    fn refusal(target: &Self::Target) -> Problem;
    /// Binds the parameters from `$14` on.
    fn bind<'q>(&'q self, statement: Accepting<'q>) -> Accepting<'q> {
        statement
    }
}

/// What is noted of something that the audit log has no column for: its name, and why, if somebody said.
fn noted(name: impl fmt::Display, reason: Option<&Reason>) -> String {
    match reason {
        Some(reason) => format!("{name}: {}", reason.as_str()),
        None => name.to_string(),
    }
}

/// Does it. `false`: nothing was written, because the key was used before or because it cannot be done.
pub async fn steer<A, S: Steering>(
    executor: impl PgExecutor<'_>,
    command: &Command<A, S::Target>,
    steering: &S,
    answer: &Answer,
) -> Result<bool, AcceptError> {
    let once = once(command, answer);
    let subject = command.identity().subject();
    let statement = bind_first_time(sqlx::query_scalar(S::STATEMENT), subject, Some(&once));
    let statement = (command.target().bind_name(statement))
        .bind(S::ACTION)
        .bind(command.identity().role().as_str())
        .bind(command.exchange().correlation_id())
        .bind(AuditId::generate())
        .bind(steering.reason());
    Ok(steering.bind(statement).fetch_one(executor).await?)
}
