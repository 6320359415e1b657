//! Tenants as the API shows them.

use common::{
    id::TenantId,
    public_address::PublicAddress,
    tenant::{Mode, TenantStatus},
};
use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use crate::{
    store::{
        plans::Plan,
        tenants::{Instance, Tenant},
    },
    vocabulary,
};

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub struct TenantView {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    id: TenantId,
    name: String,
    email: String,
    subdomain: String,
    #[schema(value_type = vocabulary::Mode)]
    mode: Mode,
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
    plan: String,
    region: Option<String>,
    custom_domain: Option<String>,
    compliance: Vec<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    /// Where its people sign in.
    login_url: String,
    /// The name of its main container, once there is one.
    container_id: Option<String>,
    n8n_version: String,
    /// Of each of its containers; null for one that shares an n8n, as the next two.
    cpu_cores: Option<f64>,
    memory_mb: Option<i32>,
    workers: Option<i32>,
    storage_gb: i32,
    /// Which cluster it is on, once it was placed.
    cluster: Option<String>,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
    /// Why it failed, if it did.
    failure: Option<String>,
}

impl TenantView {
    /// A tenant, with the address it has here.
    pub fn new(tenant: Tenant, public: &PublicAddress) -> Self {
        let own = tenant.mode.0 == Mode::Dedicated;
        Self {
            id: tenant.id,
            login_url: public.login_url(&tenant.subdomain),
            name: tenant.name,
            email: tenant.email,
            subdomain: tenant.subdomain,
            mode: tenant.mode.0,
            status: tenant.status.0,
            plan: tenant.plan,
            region: tenant.region,
            custom_domain: tenant.custom_domain,
            compliance: tenant.compliance,
            metadata: tenant.metadata,
            container_id: tenant.container,
            n8n_version: tenant.n8n_version,
            cpu_cores: own.then(|| cores(tenant.cpu_millis)),
            memory_mb: own.then_some(tenant.memory_mb),
            workers: own.then_some(tenant.workers),
            storage_gb: tenant.storage_gb,
            cluster: tenant.cluster_id,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
            failure: tenant.failure,
        }
    }
}

fn cores(millis: i32) -> f64 {
    f64::from(millis) / 1000.0
}

/// One of a tenant's containers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Instance)]
pub struct InstanceView {
    name: String,
    #[schema(value_type = vocabulary::InstanceRole)]
    role: String,
    #[schema(value_type = vocabulary::Color)]
    color: String,
    ordinal: i32,
    generation: i64,
    cpu_cores: f64,
    memory_mb: i32,
    /// How it was last seen; `unknown` when that is too long ago.
    #[schema(example = "running")]
    state: String,
    #[schema(example = "healthy")]
    health: String,
    /// When it was last seen.
    #[serde(with = "rfc3339::option")]
    seen_at: Option<OffsetDateTime>,
    /// How often it ended and was started again by itself.
    restarts: i64,
    #[serde(with = "rfc3339::option")]
    last_restart_at: Option<OffsetDateTime>,
    /// What it ended with the last time, if that was seen.
    last_exit_code: Option<i64>,
    /// Whether that was for want of memory.
    oom_killed: bool,
    /// How often anything in it was killed for want of memory.
    oom_kills: i64,
}

impl From<Instance> for InstanceView {
    fn from(instance: Instance) -> Self {
        let Instance {
            name,
            role,
            color,
            ordinal,
            generation,
            cpu_millis,
            memory_mb,
            state,
            health,
            seen_at,
            fresh,
            restarts,
            last_restart_at,
            last_exit_code,
            oom_killed,
            oom_kills,
        } = instance;
        // What has not been seen yet is not forgotten.
        let known = |word: String| if fresh || seen_at.is_none() { word } else { "unknown".into() };
        Self {
            name,
            role,
            color,
            ordinal,
            generation,
            cpu_cores: cores(cpu_millis),
            memory_mb,
            state: known(state),
            health: known(health),
            seen_at,
            restarts,
            last_restart_at,
            last_exit_code,
            oom_killed,
            oom_kills,
        }
    }
}

/// What a tenant may use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub struct LimitsView {
    /// Of each container of a dedicated tenant; null for one that shares an n8n, as the next two.
    cpu_cores: Option<f64>,
    memory_mb: Option<i32>,
    workers: Option<i32>,
    storage_gb: i32,
    executions_per_month: i32,
    concurrent_executions: i32,
    api_calls_per_hour: i32,
}

impl From<&Tenant> for LimitsView {
    fn from(tenant: &Tenant) -> Self {
        let own = tenant.mode.0 == Mode::Dedicated;
        Self {
            cpu_cores: own.then(|| cores(tenant.cpu_millis)),
            memory_mb: own.then_some(tenant.memory_mb),
            workers: own.then_some(tenant.workers),
            storage_gb: tenant.storage_gb,
            executions_per_month: tenant.executions_per_month,
            concurrent_executions: tenant.concurrent_executions,
            api_calls_per_hour: tenant.api_calls_per_hour,
        }
    }
}

impl From<&Plan> for LimitsView {
    fn from(plan: &Plan) -> Self {
        Self {
            cpu_cores: Some(cores(plan.cpu_millis)),
            memory_mb: Some(plan.memory_mb),
            workers: Some(plan.workers),
            storage_gb: plan.storage_gb,
            executions_per_month: plan.executions_per_month,
            concurrent_executions: plan.concurrent_executions,
            api_calls_per_hour: plan.api_calls_per_hour,
        }
    }
}
