//! What tenants did and used when they were last looked at.

use std::collections::BTreeMap;

use common::id::TenantId;
use serde::Serialize;
use sqlx::{FromRow, types::Json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::reader::{Reader, seen};

/// A tenant's last sample. What could not be seen is `None`.
#[derive(Debug, FromRow)]
pub struct Sample {
    pub at: OffsetDateTime,
    /// Whether it is recent enough to be how the tenant is.
    pub is_fresh: bool,
    pub queue_wait_p95_seconds: Option<f64>,
    pub cpu_percent: Option<f64>,
    pub memory_bytes: Option<i64>,
    pub memory_percent: Option<f64>,
    pub executions_min: Option<f64>,
    pub success_rate_percent: Option<f64>,
    pub workers: Option<i64>,
    pub queue_depth: Option<i64>,
    /// What was not seen, and since when.
    pub missing: Json<BTreeMap<String, String>>,
}

/// The last one of this tenant. Four ticks without one make it old.
pub async fn latest(reader: &Reader<'_>, tenant: TenantId) -> Result<Option<Sample>, sqlx::Error> {
    let latest = reader.ask(concat!(
        "select s.at, s.at > now() - interval '1 minute' as is_fresh, s.queue_wait_p95_seconds, s.cpu_percent, s.memory_bytes,
                s.memory_percent, s.executions_min, s.success_rate_percent, s.workers, s.queue_depth, s.missing
           from tenant_samples s where s.tenant_id = $2 and ",
        seen!("s.tenant_id")
    ));
    latest.bind(tenant).optional().await
}

/// One tenant among others.
#[derive(Debug, FromRow, Serialize, ToSchema)]
pub struct TopTenant {
    #[schema(value_type = String)]
    tenant_id: TenantId,
    name: String,
    subdomain: String,
    plan: String,
    mode: String,
    queue_wait_p95_seconds: Option<f64>,
    cpu_percent: Option<f64>,
    memory_percent: Option<f64>,
    executions_min: Option<f64>,
    success_rate_percent: Option<f64>,
    queue_depth: Option<i64>,
    workers: Option<i64>,
    #[serde(with = "rfc3339")]
    sampled_at: OffsetDateTime,
}

/// Those of customers with the most of it. What was not seen comes last.
pub async fn top(reader: &Reader<'_>, by: &str, limit: i64) -> Result<Vec<TopTenant>, sqlx::Error> {
    let top = reader.ask(concat!(
        "select s.tenant_id, t.name, t.subdomain, t.plan, t.mode, s.queue_wait_p95_seconds, s.cpu_percent, s.memory_percent, s.executions_min,
                s.success_rate_percent, s.queue_depth, s.workers, s.at as sampled_at
           from tenant_samples s join tenants t on t.id = s.tenant_id
          where t.purpose = 'customer' and s.at > now() - interval '1 minute' and ",
        seen!("s.tenant_id"),
        " order by case $2 when 'queue_wait' then s.queue_wait_p95_seconds when 'cpu' then s.cpu_percent
                           when 'memory' then s.memory_percent when 'executions' then s.executions_min
                           when 'errors' then 100 - s.success_rate_percent when 'queue' then s.queue_depth end desc nulls last,
                   s.tenant_id limit $3"
    ));
    top.bind(by.to_owned()).bind(limit).all().await
}
