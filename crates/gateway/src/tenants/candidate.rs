//! A tenant that shares an n8n, as far as it matters to whether it should.

use common::id::TenantId;
use sqlx::FromRow;

/// What is known of one. What could not be seen is `None`.
#[derive(Debug, FromRow)]
pub struct Candidate {
    pub id: TenantId,
    pub name: String,
    pub subdomain: String,
    pub plan: String,
    pub compliance: Vec<String>,
    pub custom_domain: Option<String>,
    /// Where it asked to be.
    pub region: Option<String>,
    /// Of a month, those that count.
    pub executions: i64,
    pub queue_wait_p95_seconds: Option<f64>,
    pub cpu_percent: Option<f64>,
    pub concurrent_executions: Option<i64>,
}
