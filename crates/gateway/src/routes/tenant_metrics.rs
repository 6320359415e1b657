//! `/metrics/tenant/{id}` and `/metrics/tenants`

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::metrics::ReadMetrics;
use crate::{
    app::App,
    auth::{Caller, TenantOf},
    http::{
        fields::{Fault, Text},
        request::{Request, request},
    },
    problem::Answered,
    store::samples::{self, Sample, TopTenant},
};

/// How a tenant does at the moment. What could not be seen is null, never zero.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct TenantMetrics {
    /// From entering the queue to beginning, in seconds, of 95 in 100 executions of the last five minutes.
    queue_wait_p95: Option<f64>,
    /// The same number.
    queue_wait_p95_seconds: Option<f64>,
    /// Of the processors that all its containers may use; null for one that shares an n8n, as the next two and `workers`.
    cpu_percent: Option<f64>,
    /// Of all its containers, without page cache.
    memory_bytes: Option<i64>,
    /// Of its own limit, the container that is nearest to it.
    memory_percent: Option<f64>,
    /// Executions that began in the last minute.
    executions_min: Option<f64>,
    /// Of the executions of the last quarter of an hour, those that ended well; null when none ended.
    success_rate_percent: Option<f64>,
    /// Of the same, those that did not: from 0 to 1.
    error_rate: Option<f64>,
    /// Workers that run and are well.
    workers: Option<i64>,
    /// Executions that wait for a worker.
    queue_depth: Option<i64>,
}

/// Of when these figures are, and what is not in them.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleMeta {
    /// When the tenant was last looked at; null: never.
    #[serde(with = "rfc3339::option")]
    sampled_at: Option<OffsetDateTime>,
    /// What cannot be seen, and since when: `containers`, `queue`, `executions`, `storage`; `everything`, when the tenant was not looked at
    /// for a minute.
    missing: BTreeMap<String, String>,
}

/// A tenant's figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricsOfTenant {
    data: TenantMetrics,
    meta: SampleMeta,
}

impl MetricsOfTenant {
    fn of(sample: Option<Sample>) -> Self {
        let sampled_at = sample.as_ref().map(|sample| sample.at);
        let Some(sample) = sample.filter(|sample| sample.is_fresh) else {
            let since =
                sampled_at.and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok());
            let missing = [("everything".to_owned(), since.unwrap_or_default())].into();
            return Self { data: TenantMetrics::default(), meta: SampleMeta { sampled_at, missing } };
        };
        let data = TenantMetrics {
            queue_wait_p95: sample.queue_wait_p95_seconds,
            queue_wait_p95_seconds: sample.queue_wait_p95_seconds,
            cpu_percent: sample.cpu_percent,
            memory_bytes: sample.memory_bytes,
            memory_percent: sample.memory_percent,
            executions_min: sample.executions_min,
            success_rate_percent: sample.success_rate_percent,
            error_rate: sample.success_rate_percent.map(|rate| 1.0 - rate / 100.0),
            workers: sample.workers,
            queue_depth: sample.queue_depth,
        };
        Self { data, meta: SampleMeta { sampled_at, missing: sample.missing.0 } }
    }
}

/// How a tenant does at the moment.
///
/// It is looked at four times a minute.
#[utoipa::path(
    get, path = "/metrics/tenant/{id}", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain")),
    responses(
        (status = 200, body = MetricsOfTenant),
    )
)]
pub async fn metrics(State(app): State<App>, of: TenantOf) -> Answered<Json<MetricsOfTenant>> {
    let sample = samples::latest(&app.reader(of.identity().scope()), of.tenant.id).await?;
    Ok(Json(MetricsOfTenant::of(sample)))
}

request! {
    /// Who comes first, and how many are told.
    pub struct TopQuery: Request {
        /// `queue_wait` when absent.
        by: Option<By>,
        /// 1 to 200; 20 when absent.
        limit: Option<Most>,
    }
}

/// What they are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By(&'static str);

const BY: [&str; 6] = ["queue_wait", "cpu", "memory", "executions", "errors", "queue"];

impl Text for By {
    fn parse(text: &str) -> Result<Self, Fault> {
        let known = BY.into_iter().find(|word| *word == text);
        known.map(Self).ok_or_else(|| Fault::new("invalid_by", format!("must be one of: {}", BY.join(", "))))
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": BY })
    }
}

/// How many are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most(i64);

impl Text for Most {
    fn parse(text: &str) -> Result<Self, Fault> {
        let most = text.parse().ok().filter(|most| (1..=200).contains(most));
        most.map(Self).ok_or_else(|| Fault::new("invalid_limit", "must be a number from 1 to 200"))
    }

    fn schema() -> Value {
        json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": 200 })
    }
}

/// Those with the most of something.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopTenants {
    data: Vec<TopTenant>,
}

/// The tenants that do the most, or do worst, at the moment.
#[utoipa::path(
    get, path = "/metrics/tenants", tag = "tenants",
    security(("token" = ["admin", "operator", "service"])),
    params(TopQuery),
    responses(
        (status = 200, body = TopTenants),
    )
)]
pub async fn top(
    State(app): State<App>,
    caller: Caller<ReadMetrics>,
    RawQuery(query): RawQuery,
) -> Answered<Json<TopTenants>> {
    let TopQuery { by, limit } = TopQuery::of_query(query.as_deref(), &())?;
    let (By(by), Most(limit)) = (by.unwrap_or(By(BY[0])), limit.unwrap_or(Most(20)));
    let reader = app.reader(caller.identity().scope());
    Ok(Json(TopTenants { data: samples::top(&reader, by, limit).await? }))
}
