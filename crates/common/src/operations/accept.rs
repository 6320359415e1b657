//! Accepting an operation: one statement writes everything or nothing. One round trip, one commit, no state in between. Whoever
//! wants one comes through here, over HTTP, the bus, a schedule, the reconciler, or another operation.
//!
//! In this order, each part fed by the one before: `possible` (may it be done at all) → `key` (is it the first under its key) →
//! `signature` (was it never accepted) → the subject → the operation → the tenant's status → the audit entry. A repeat under its key
//! stops at `key` with nothing written; a repeated signature violates `request_signatures_pkey`, which takes everything back.

mod statement;

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgExecutor, Postgres, postgres::PgArguments, query::QueryScalar};
use time::OffsetDateTime;

use super::{OperationKind, Priority, Request, Subject, SubjectId};
use crate::{
    clock,
    id::{AuditId, OperationId},
    role::Role,
    tenant::TenantStatus,
};

/// An operation to be accepted.
#[derive(Debug)]
pub struct NewOperation<'a> {
    pub id: OperationId,
    pub kind: &'static OperationKind,
    /// What it is done to.
    pub subject: Subject,
    /// What it is asked to do: a [`Request`] of this kind, as its row keeps it.
    pub request: Value,
    /// Unless the kind's own is right.
    pub priority: Option<Priority>,
    /// As above.
    pub deadline: Option<Duration>,
    /// `None`: at once.
    pub not_before: Option<OffsetDateTime>,
    /// The operation that has it done as a part of itself.
    pub parent: Option<OperationId>,
    pub asked: Asked<'a>,
}

/// Who wants it, and in what connection.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub actor: &'a str,
    pub role: Role,
    pub correlation_id: &'a str,
    pub traceparent: Option<&'a str>,
    /// Why, in their own words.
    pub reason: Option<&'a str>,
}

/// What makes a request over HTTP one that is accepted once, with the answer that it gets each time.
#[derive(Debug)]
pub struct Once<'a> {
    pub key: Option<&'a str>,
    /// What tells it from another request under the same key.
    pub digest: &'a [u8],
    pub status: i16,
    pub headers: Value,
    pub body: &'a [u8],
    /// Of its signature, if it has one.
    pub signature: Option<&'a [u8]>,
}

/// The statement, being given its parameters.
pub type Accepting<'q> = QueryScalar<'q, Postgres, bool, PgArguments>;

impl<'a> NewOperation<'a> {
    /// What is asked for with this request, as its kind has it.
    pub fn of<R: Request>(id: OperationId, subject: &R::Subject, request: &R, asked: Asked<'a>) -> Self {
        Self::on(subject.subject(), id, request, asked)
    }

    /// The same on a subject that is known to be of the kind's sort.
    pub(super) fn on<R: Request>(subject: Subject, id: OperationId, request: &R, asked: Asked<'a>) -> Self {
        // A request is made of words and numbers: it always becomes JSON.
        let request = serde_json::to_value(request).unwrap_or_default();
        Self {
            id,
            kind: R::KIND,
            subject,
            request,
            priority: None,
            deadline: None,
            not_before: None,
            parent: None,
            asked,
        }
    }

    /// How its tenant is from now on. What waits for a later moment leaves it as it is until it begins, where nothing but its end would come
    /// of the status: something else may be done to the tenant meanwhile ([`Context::tenant_turns`](super::Context::tenant_turns)).
    fn gives_at_once(&self) -> Option<TenantStatus> {
        let waits = self.kind.ends.is_none() && self.not_before.is_some_and(|moment| moment > clock::now());
        self.kind.passes.filter(|_| !waits)
    }
}

/// Accepts an operation on a cluster that is known, or on a tenant that is there, whose status, once everything accepted before has been
/// done, is one that its kind begins from. `false`: nothing was written, because the key or the operation's id was used before, or because
/// it cannot be done.
pub async fn accept(
    executor: impl PgExecutor<'_>,
    new: &NewOperation<'_>,
    once: Option<&Once<'_>>,
) -> Result<bool, sqlx::Error> {
    let statement = match &new.subject {
        Subject::Tenant(_) => {
            let from: Vec<_> = new.kind.from.iter().map(|status| status.as_str()).collect();
            let statement = bind(sqlx::query_scalar(statement::ACCEPT), new, once);
            statement
                .bind(from)
                .bind(new.kind.is_refused_beside_its_like())
                .bind(new.gives_at_once().map(TenantStatus::as_str))
        }
        Subject::Cluster(cluster) => {
            let statement = bind(sqlx::query_scalar(statement::ACCEPT_ON_CLUSTER), new, once);
            statement.bind(cluster.as_str()).bind(new.kind.is_refused_beside_its_like())
        }
    };
    statement.fetch_one(executor).await
}

/// Accepts an operation as a part of its parent, while that runs under this fence and nobody has called it off. How its tenant is is the
/// parent's affair: it is not asked for here, and stays as it is.
pub(super) async fn accept_part(
    executor: impl PgExecutor<'_>,
    new: &NewOperation<'_>,
    fence: i64,
) -> Result<bool, sqlx::Error> {
    let statement = bind(sqlx::query_scalar(statement::ACCEPT_PART), new, None);
    statement.bind(fence).fetch_one(executor).await
}

/// Binds what [`crate::accepting!`] needs: `$1` to `$24`.
pub fn bind<'q>(
    statement: Accepting<'q>,
    new: &'q NewOperation<'_>,
    once: Option<&'q Once<'_>>,
) -> Accepting<'q> {
    let (kind, asked) = (new.kind, &new.asked);
    bind_first_time(statement, asked.actor, once)
        .bind(new.id)
        .bind(kind.name)
        .bind(new.subject.tenant())
        .bind(&new.request)
        .bind(asked.correlation_id)
        .bind(asked.traceparent)
        .bind(new.deadline.unwrap_or(kind.deadline).as_secs_f64())
        .bind(AuditId::generate())
        .bind(asked.role.as_str())
        .bind(asked.reason)
        .bind(new.priority.unwrap_or(kind.priority).rank())
        .bind(new.not_before)
        .bind(kind.service)
        .bind(kind.lane.as_str())
        .bind(kind.alone)
        .bind(new.parent)
        // How its tenant will be is the affair of the whole, and not of a part.
        .bind(kind.next_status().filter(|_| new.parent.is_none()).map(TenantStatus::as_str))
}

/// Binds what [`crate::first_time!`] needs: `$1` to `$7`.
pub fn bind_first_time<'q>(
    statement: Accepting<'q>,
    actor: &'q str,
    once: Option<&'q Once<'_>>,
) -> Accepting<'q> {
    statement
        .bind(actor)
        .bind(once.and_then(|once| once.key))
        .bind(once.map(|once| once.digest))
        .bind(once.map(|once| once.status))
        .bind(once.map(|once| &once.headers))
        .bind(once.map(|once| once.body))
        .bind(once.and_then(|once| once.signature))
}
