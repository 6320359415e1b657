//! Accepting what is asked for over HTTP: an operation with its answer, in one statement (see `common::operations::accept`).

mod create_sandbox;
mod create_tenant;

use common::{
    error::{Classify, Kind},
    id::{AuditId, OperationId, TenantId},
    operations::{self, Asked, NewOperation, Once, accept::bind_first_time},
};
use serde_json::json;
use sqlx::PgExecutor;

use crate::{
    auth::{Access, Command},
    idempotency::Answer,
};

pub use common::operations::accept::Accepting;
pub use create_sandbox::CreateSandbox;
pub use create_tenant::CreateTenant;

/// Why a command was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error("this signed request was accepted before")]
    SignatureRepeated,
    #[error("another tenant has this subdomain")]
    SubdomainTaken,
    #[error("another rollout is under way")]
    RolloutUnderWay,
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
            Self::SubdomainTaken | Self::RolloutUnderWay | Self::InFlight => Kind::Conflict,
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
            Some("rollouts_one_at_a_time") => Self::RolloutUnderWay,
            _ if error.as_database_error().is_some_and(|e| e.code().as_deref() == Some(LOCK_TIMEOUT)) => {
                Self::InFlight
            }
            _ => Self::Store(error),
        }
    }
}

/// SQLSTATE `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";

/// What makes this command one that is accepted once, with this answer.
pub fn once<'a, A, T>(command: &'a Command<A, T>, answer: &'a Answer) -> Once<'a> {
    Once {
        key: command.key().map(|key| key.as_str()),
        digest: command.digest().as_bytes(),
        status: i16::try_from(answer.status.as_u16()).unwrap_or_default(),
        headers: json!({ "location": answer.location }),
        body: &answer.body,
        signature: command.proof().map(|proof| proof.digest()),
    }
}

/// Who wants it, and in what connection.
pub fn asked<'a, A, T>(command: &'a Command<A, T>, reason: Option<&'a str>) -> Asked<'a> {
    let (identity, exchange) = (command.identity(), command.exchange());
    Asked {
        actor: identity.subject(),
        role: identity.role(),
        correlation_id: exchange.correlation_id(),
        traceparent: exchange.traceparent(),
        reason,
    }
}

/// A command on a tenant for which nothing has to be done.
#[derive(Debug)]
pub struct Moot<'a> {
    pub tenant: TenantId,
    /// What does it already.
    pub operation: Option<OperationId>,
    pub reason: Option<&'a str>,
}

const KEEP: &str = concat!(
    common::first_time!("select true"),
    ", audit as (
         insert into audit_logs
             (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest, reason)
         select $8, $1, $9, $10, $11, $12, $13, 'already', $3, $14 from accepted
     )
     select exists (select from accepted)"
);

/// Keeps the answer to a command for which nothing has to be done, with its audit entry, as any other is kept. `false`: its key was used
/// before.
pub async fn keep<A: Access, T>(
    executor: impl PgExecutor<'_>,
    command: &Command<A, T>,
    moot: &Moot<'_>,
    answer: &Answer,
) -> Result<bool, AcceptError> {
    let once = once(command, answer);
    let statement = bind_first_time(sqlx::query_scalar(KEEP), command.identity().subject(), Some(&once));
    let statement = statement
        .bind(AuditId::generate())
        .bind(command.identity().role().as_str())
        .bind(A::ACTION)
        .bind(moot.tenant)
        .bind(moot.operation)
        .bind(command.exchange().correlation_id())
        .bind(moot.reason);
    Ok(statement.fetch_one(executor).await?)
}

/// Accepts an operation on a tenant that is there. `false`: nothing was written, because its key was used before or because it
/// cannot be done.
pub async fn accept<A, T>(
    executor: impl PgExecutor<'_>,
    command: &Command<A, T>,
    new: &NewOperation<'_>,
    answer: &Answer,
) -> Result<bool, AcceptError> {
    Ok(operations::accept(executor, new, Some(&once(command, answer))).await?)
}
