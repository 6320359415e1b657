//! A new sandbox, and the restore that it is made by, beside what makes any tenant.

use std::time::Duration;

use common::{
    accepting,
    id::{AuditId, BackupId, DrillId, OperationId, RestoreId, TenantId},
    operations::{Asked, NewOperation, Once, accept::bind},
    tenant::{Mode, Purpose, TenantStatus},
};
use sqlx::PgExecutor;
use wire::kinds::TenantCreate;

use super::{AcceptError, asked, once};
use crate::{
    auth::{Access, Command},
    idempotency::Answer,
    sandboxes::{MOST, PLAN},
};

/// How long a backup may be loaded and an n8n be started on it: the loading's own time, and a little.
const WITHIN: Duration = Duration::from_secs(5 * 60 * 60);

/// A sandbox to be.
#[derive(Debug)]
pub struct CreateSandbox<'a> {
    pub id: TenantId,
    pub restore: RestoreId,
    /// Whose backup is loaded.
    pub of: TenantId,
    pub backup: BackupId,
    pub executions: bool,
    /// The first label of its address.
    pub name: &'a str,
    /// How long it is there.
    pub time: Duration,
    /// What it is made for, if nobody is to look into it.
    pub drill: Option<DrillId>,
}

const STATEMENT: &str = accepting!(
    // Room is asked for as for any dedicated tenant (`CreateTenant`); whether it may be at all is asked under a lock.
    possible: "select may.id, may.region, may.compliance, may.n8n_version
                 from sandbox_that_may($25, $26, $27, $38) may join plans p on p.name = $28, lateral (
                   select coalesce(max(case when r.cpu_millis < p.cpu_millis or r.memory_mb < p.memory_mb
                                              or not cluster_suits(c, may.region, may.compliance) then 0
                                            else coalesce(least(r.connections / nullif(p.connections, 0), r.subnets),
                                                          1000) end), 1000) as free
                     from cluster_room() r join clusters c on c.id = r.id) places
                where case when places.free between 1 and 199 then places_left(p.name, may.region, may.compliance) > 0
                           else places.free > 0 end",
    subject: "tenant as (
                 insert into tenants
                     (id, name, email, subdomain, mode, status, plan, region, compliance, metadata, n8n_version, purpose)
                 select $10, $29, 'sandbox@tenants.invalid', $29, $30, $31, $28, possible.region, possible.compliance, '{}',
                        possible.n8n_version, $32
                   from accepted, possible
                 returning id, plan, cluster_id
             ), subject as (select id, cluster_id, 'failed' as former_status from tenant)",
    effect: "limits as (
                 insert into tenant_limits
                     (tenant_id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month,
                      concurrent_executions, api_calls_per_hour)
                 select tenant.id, p.cpu_millis, p.memory_mb, p.workers, p.storage_gb, p.executions_per_month,
                        p.concurrent_executions, p.api_calls_per_hour
                 from tenant join plans p on p.name = tenant.plan
             ), sandbox as (
                 insert into sandboxes (tenant_id, of_tenant, backup_id, name, operation_id, created_by, expires_at, drill_id)
                 select operation.tenant_id, $25, $26, $29, operation.id, $1, now() + make_interval(secs => $33), $38 from operation
             ), restore as (
                 insert into restores (id, tenant_id, backup_id, sandbox_id, operation_id, executions, asked_by)
                 select $34, $25, $26, operation.tenant_id, operation.id, $35, $1 from operation
             ), drill as (
                 insert into restore_drills (id, tenant_id, backup_id, operation_id, asked_by)
                 select $38, $25, $26, operation.id, $1 from operation where $38::uuid is not null
             ), noted as (
                 insert into audit_logs
                     (id, actor, role, action, tenant_id, operation_id, correlation_id, outcome, request_digest, reason)
                 select $36, $1, $16, $37, $25, operation.id, $12, 'accepted', $3, $17 from operation
             ),",
);

impl CreateSandbox<'_> {
    /// Accepts it with its answer. `false`: nothing was written, because its key was used before, because it may not be, or because nobody can
    /// hold it.
    pub async fn accept<A: Access, T>(
        &self,
        executor: impl PgExecutor<'_>,
        command: &Command<A, T>,
        operation: OperationId,
        answer: &Answer,
    ) -> Result<bool, AcceptError> {
        let once = once(command, answer);
        self.accept_as(executor, operation, (asked(command, None), A::ACTION), Some(&once)).await
    }

    /// The same for whoever asks for it under this word of the audit log, over HTTP or by themselves. What was accepted under this operation's id is not
    /// accepted again.
    pub async fn accept_as(
        &self,
        executor: impl PgExecutor<'_>,
        operation: OperationId,
        (asked, action): (Asked<'_>, Option<&'static str>),
        once: Option<&Once<'_>>,
    ) -> Result<bool, AcceptError> {
        let request = TenantCreate {
            from: Some(self.backup),
            executions: self.executions,
            drill: self.drill,
            ..TenantCreate::empty(Mode::Dedicated, PLAN.to_owned())
        };
        let new =
            NewOperation { deadline: Some(WITHIN), ..NewOperation::of(operation, &self.id, &request, asked) };
        let statement = bind(sqlx::query_scalar(STATEMENT), &new, once)
            .bind(self.of)
            .bind(self.backup)
            .bind(MOST)
            .bind(PLAN)
            .bind(self.name)
            .bind(Mode::Dedicated.as_str())
            .bind(TenantStatus::Provisioning.as_str())
            .bind(Purpose::Sandbox.as_str())
            .bind(self.time.as_secs_f64())
            .bind(self.restore)
            .bind(self.executions)
            .bind(AuditId::generate())
            .bind(action)
            .bind(self.drill);
        Ok(statement.fetch_one(executor).await?)
    }
}
