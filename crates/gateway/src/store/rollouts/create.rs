//! A new rollout, with its tenants, its answer and its entry in the audit log.

use common::{
    first_time,
    id::{AuditId, RolloutId, TenantId},
    operations::accept::bind_first_time,
    version::Version,
};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::{
    auth::Command,
    idempotency::Answer,
    store::accept::{AcceptError, once},
};

/// A rollout to be.
#[derive(Debug)]
pub struct CreateRollout<'a> {
    pub id: RolloutId,
    pub version: Version,
    pub selection: Value,
    /// In the order of their turns. One without any is over at once.
    pub tenants: Vec<TenantId>,
    pub concurrency: i32,
    pub max_failures: i32,
    pub reason: Option<&'a str>,
}

const STATEMENT: &str = concat!(
    first_time!("select true"),
    ", made as (
         insert into rollouts (id, n8n_version, selection, concurrency, max_failures, asked_by, role, correlation_id, reason, status, ended_at)
         select $8, $9, $10, $11, $12, $1, $13, $14, $15, case when none.at is null then 'running' else 'succeeded' end, none.at
           from accepted, (select case when cardinality($16::uuid[]) = 0 then clock_timestamp() end as at) none
         returning id, n8n_version
     ), turns as (
         insert into rollout_tenants (rollout_id, tenant_id, ordinal)
         select made.id, turn.tenant, turn.ordinal
           from made, unnest($16::uuid[]) with ordinality turn (tenant, ordinal) join tenants t on t.id = turn.tenant
     ), audit as (
         insert into audit_logs (id, actor, role, action, correlation_id, outcome, request_digest, reason)
         select $17, $1, $13, 'rollout.create', $14, 'accepted', $3,
                'rol_' || replace(made.id::text, '-', '') || ', ' || made.n8n_version || coalesce(': ' || $15, '') from made
     )
     select exists (select from made)"
);

impl CreateRollout<'_> {
    /// Makes it. `false`: nothing was written, because its key of idempotency was used before.
    pub async fn accept<A, T>(
        &self,
        executor: impl PgExecutor<'_>,
        command: &Command<A, T>,
        answer: &Answer,
    ) -> Result<bool, AcceptError> {
        let (identity, once) = (command.identity(), once(command, answer));
        let statement = bind_first_time(sqlx::query_scalar(STATEMENT), identity.subject(), Some(&once))
            .bind(self.id)
            .bind(self.version.to_string())
            .bind(&self.selection)
            .bind(self.concurrency)
            .bind(self.max_failures)
            .bind(identity.role().as_str())
            .bind(command.exchange().correlation_id())
            .bind(self.reason)
            .bind(&self.tenants)
            .bind(AuditId::generate());
        Ok(statement.fetch_one(executor).await?)
    }
}
