//! A new tenant with its limits, copied from its plan so that the plan can change without changing what was promised.

use common::{
    accepting,
    id::{OperationId, TenantId},
    operations::{NewOperation, accept::bind},
    tenant::{Mode, Purpose, TenantStatus},
    version::Version,
};
use sqlx::PgExecutor;
use wire::kinds;

use super::{AcceptError, Accepting, asked, once};
use crate::{auth::Command, idempotency::Answer};

/// A tenant to be, somebody's or the platform's own.
#[derive(Debug)]
pub struct CreateTenant<'a> {
    pub id: TenantId,
    pub name: &'a str,
    pub email: &'a str,
    pub subdomain: &'a str,
    pub mode: Mode,
    pub plan: &'a str,
    pub region: Option<&'a str>,
    pub custom_domain: Option<&'a str>,
    pub compliance: &'a [String],
    pub metadata: &'a serde_json::Value,
    pub n8n_version: Version,
    pub purpose: Purpose,
    /// How many may live in it, if it is to be shared.
    pub capacity: Option<i32>,
}

const STATEMENT: &str = accepting!(
    // What is not known of a cluster does not stand in the way. Fewer than 200 places may be given away by those who are being
    // accepted in this moment: then one takes a turn after the other (`places_left`).
    // One that shares an n8n is placed at once (`place_in_shared`), and takes nothing else.
    possible: "select null::uuid as instance, null::text as cluster_id
                 from plans p, lateral (
                   select coalesce(max(case when r.cpu_millis < p.cpu_millis or r.memory_mb < p.memory_mb
                                              or not cluster_suits(c, $31, $33) then 0
                                            else coalesce(least(r.connections / nullif(p.connections, 0), r.subnets),
                                                          1000) end), 1000) as free
                     from cluster_room() r join clusters c on c.id = r.id) places
                where p.name = $30 and $28 = 'dedicated'
                  and case when places.free between 1 and 199 then places_left(p.name, $31, $33) > 0
                           else places.free > 0 end
                union all
               select place.instance, place.cluster_id from place_in_shared($31, $33) place where $28 = 'shared'",
    subject: "tenant as (
                 insert into tenants
                     (id, name, email, subdomain, mode, status, plan, region, custom_domain, compliance, metadata,
                      n8n_version, purpose, capacity, cluster_id, shared_instance)
                 select $10, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37,
                        possible.cluster_id, possible.instance::text
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
             ),",
);

impl CreateTenant<'_> {
    /// Accepts it with its answer. `false`: nothing was written, because its key was used before or because nobody can hold it.
    pub async fn accept<A, T>(
        &self,
        executor: impl PgExecutor<'_>,
        command: &Command<A, T>,
        operation: OperationId,
        answer: &Answer,
    ) -> Result<bool, AcceptError> {
        let request = kinds::TenantCreate::empty(self.mode, self.plan.to_owned());
        let new = NewOperation::of(operation, &self.id, &request, asked(command, None));
        let once = once(command, answer);
        let statement = bind(sqlx::query_scalar(STATEMENT), &new, Some(&once));
        Ok(self.bind(statement).fetch_one(executor).await?)
    }

    fn bind<'q>(&'q self, query: Accepting<'q>) -> Accepting<'q> {
        query
            .bind(self.name)
            .bind(self.email)
            .bind(self.subdomain)
            .bind(self.mode.as_str())
            .bind(TenantStatus::Provisioning.as_str())
            .bind(self.plan)
            .bind(self.region)
            .bind(self.custom_domain)
            .bind(self.compliance)
            .bind(self.metadata)
            .bind(self.n8n_version.to_string())
            .bind(self.purpose.as_str())
            .bind(self.capacity)
    }
}
