//! Accepting a command: one statement writes everything or nothing. One round trip, one commit, no state in between.
//!
//! In this order, each part fed by the one before:
//! `possible` (may it be done at all) → `key` (is it the first under its key) → `signature` (was it never accepted) →
//! the effect → the operation → the audit entry. A repeat under its key stops at `key` with nothing written; a repeated
//! signature violates `request_signatures_pkey`, which takes everything back.

mod create_tenant;
mod delete_tenant;

use common::{
    error::{Classify, Kind},
    id::{AuditId, OperationId, TenantId},
    operations::OperationKind,
};
use serde_json::{Value, json};
use sqlx::{PgExecutor, Postgres, postgres::PgArguments, query::QueryScalar};

use crate::{auth::Command, idempotency::Answer};

pub use create_tenant::CreateTenant;
pub use delete_tenant::DeleteTenant;

/// What every statement that changes something begins with: `accepted` has a row when it may be done and is asked for the
/// first time. Its parameters are `$1` to `$7`.
macro_rules! first_time {
    ($possible:literal) => {
        concat!(
            "with possible as (",
            $possible,
            "), key as (
                 insert into idempotency_keys (subject, key, request_digest, status, headers, body)
                 select $1, $2::text, $3, $4, $5, $6 from possible where $2::text is not null
                 on conflict (subject, key) do nothing
                 returning true
             ), first as (
                 select from key union all select from possible where $2::text is null
             ), signature as (
                 insert into request_signatures (digest)
                 select $7::bytea from first where $7::bytea is not null
                 returning true
             ), accepted as (
                 select from signature union all select from first where $7::bytea is null
             )"
        )
    };
}
pub(super) use first_time;

/// Wraps an effect's own parts into the whole statement. `possible` yields a row when the command can be done; `effect`
/// defines `tenant`, which reads `accepted` and yields a row (`id`) when it was.
macro_rules! accepting {
    (possible: $possible:literal, effect: $effect:literal $(,)?) => {
        concat!(
            $crate::store::accept::first_time!($possible), ", ", $effect, ", operation as (
                 insert into operations
                     (id, kind, tenant_id, request, actor, correlation_id, traceparent, deadline)
                 select $8, $9, tenant.id, $11, $1, $12, $13, now() + make_interval(secs => $14) from tenant
             ), audit as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest)
                 select $15, $1, $16, $9, tenant.id, $8, $12, 'accepted', $3 from tenant
             )
             select exists (select from tenant)"
        )
    };
}
use accepting;

/// What a command does to the record, besides being noted there.
pub trait Effect: Send {
    /// Made by `accepting!`; its parameters from `$17` on are its own, `$10` is the tenant.
    const STATEMENT: &'static str;
    const KIND: OperationKind;

    /// The tenant it concerns.
    fn tenant(&self) -> TenantId;
    /// What the operation is asked to do, as its row keeps it.
    fn request(&self) -> Value;
    /// Binds the parameters from `$17` on.
    fn bind<'q>(&'q self, query: Accepting<'q>) -> Accepting<'q>;
}

/// The statement, being given its parameters.
pub type Accepting<'q> = QueryScalar<'q, Postgres, bool, PgArguments>;

/// Why a command was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("this signed request was accepted before")]
    SignatureRepeated,
    #[error("another tenant has this subdomain")]
    SubdomainTaken,
    #[error("another tenant has this domain")]
    CustomDomainTaken,
    /// Somebody holds a lock for longer than a statement takes: most likely the first request under the same key.
    #[error("a request with this idempotency key is still being accepted")]
    InFlight,
    #[error("the record did not accept a command")]
    Store(#[source] sqlx::Error),
}

impl Classify for AcceptError {
    fn kind(&self) -> Kind {
        match self {
            Self::SignatureRepeated => Kind::Unauthenticated,
            Self::SubdomainTaken | Self::CustomDomainTaken | Self::InFlight => Kind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

impl From<sqlx::Error> for AcceptError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error.as_database_error().and_then(|e| e.constraint());
        match constraint {
            Some("request_signatures_pkey") => Self::SignatureRepeated,
            Some("tenants_subdomain_taken") => Self::SubdomainTaken,
            Some("tenants_custom_domain_taken") => Self::CustomDomainTaken,
            _ if error.as_database_error().is_some_and(|e| e.code().as_deref() == Some(LOCK_TIMEOUT)) => {
                Self::InFlight
            }
            _ => Self::Store(error),
        }
    }
}

/// SQLSTATE `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";

/// Binds what `first_time!` needs.
pub(super) fn bind_first_time<'q, A, T>(
    statement: Accepting<'q>,
    command: &'q Command<A, T>,
    answer: &'q Answer,
) -> Accepting<'q> {
    statement
        .bind(command.identity().subject())
        .bind(command.key().map(|key| key.as_str()))
        .bind(command.digest().as_bytes())
        .bind(i16::try_from(answer.status.as_u16()).unwrap_or_default())
        .bind(json!({ "location": answer.location }))
        .bind(&answer.body)
        .bind(command.proof().map(|proof| proof.digest()))
}

/// Accepts the command with its answer. `false`: nothing was written, because its key was used before or because it
/// cannot be done.
pub async fn accept<A, T, E: Effect>(
    executor: impl PgExecutor<'_>,
    command: &Command<A, T>,
    operation: OperationId,
    effect: &E,
    answer: &Answer,
) -> Result<bool, AcceptError> {
    let (identity, exchange) = (command.identity(), command.exchange());
    let statement = bind_first_time(sqlx::query_scalar(E::STATEMENT), command, answer)
        .bind(operation)
        .bind(E::KIND.as_str())
        .bind(effect.tenant())
        .bind(effect.request())
        .bind(exchange.correlation_id())
        .bind(exchange.traceparent())
        .bind(E::KIND.deadline().as_secs_f64())
        .bind(AuditId::generate())
        .bind(identity.role().as_str());
    Ok(effect.bind(statement).fetch_one(executor).await?)
}
