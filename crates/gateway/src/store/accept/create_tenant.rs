//! A new tenant with its limits, copied from its plan so that the plan can change without changing what was promised.

use common::{id::TenantId, operations::OperationKind};
use serde_json::{Value, json};

use super::{Accepting, Effect, accepting};
use crate::{config::Version, tenants::NewTenant};

/// A tenant to be.
#[derive(Debug)]
pub struct CreateTenant<'a> {
    pub id: TenantId,
    pub tenant: &'a NewTenant,
    pub n8n_version: &'a Version,
}

impl Effect for CreateTenant<'_> {
    const STATEMENT: &'static str = accepting!(
        // What is not known of a cluster does not stand in the way.
        possible: "select from plans p where p.name = $22
                      and (select coalesce(bool_or((r.cpu_millis >= p.cpu_millis and r.memory_mb >= p.memory_mb
                                                    and r.connections >= p.connections and r.subnets >= 1) is not false),
                                           true)
                             from cluster_room() r)",
        effect: "tenant as (
                 insert into tenants
                     (id, name, email, subdomain, mode, status, plan, region, custom_domain, compliance, metadata,
                      n8n_version)
                 select $10, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27 from accepted
                 returning id, plan
             ), limits as (
                 insert into tenant_limits
                     (tenant_id, cpu_millis, memory_mb, workers, storage_gb, executions_per_month,
                      concurrent_executions, api_calls_per_hour)
                 select tenant.id, p.cpu_millis, p.memory_mb, p.workers, p.storage_gb, p.executions_per_month,
                        p.concurrent_executions, p.api_calls_per_hour
                 from tenant join plans p on p.name = tenant.plan
             )",
    );
    const KIND: OperationKind = OperationKind::TenantCreate;

    fn tenant(&self) -> TenantId {
        self.id
    }

    fn request(&self) -> Value {
        // The row of the tenant says the rest.
        json!({ "tenant_id": self.id, "mode": self.tenant.mode, "plan": self.tenant.plan })
    }

    fn bind<'q>(&'q self, query: Accepting<'q>) -> Accepting<'q> {
        let tenant = self.tenant;
        query
            .bind(&tenant.name)
            .bind(tenant.email.as_str())
            .bind(tenant.subdomain.as_str())
            .bind(tenant.mode.as_str())
            .bind(common::tenant::TenantStatus::Provisioning.as_str())
            .bind(&tenant.plan)
            .bind(&tenant.region)
            .bind(tenant.custom_domain.as_ref().map(|domain| domain.as_str()))
            .bind(&tenant.compliance)
            .bind(&tenant.metadata)
            .bind(self.n8n_version.as_str())
    }
}
