//! `POST /promotions/scan`

use axum::{Json, extract::State};
use common::id::TenantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Role},
    commands::Asked,
    problem::Answered,
    store::candidates::sharing,
    tenants::{Candidate, Outgrown, outgrown},
    vocabulary,
};

/// Those who may ask who should get an n8n of their own.
#[derive(Debug)]
pub enum ScanPromotions {}

impl Access for ScanPromotions {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];
    const ACTION: Option<&'static str> = Some("promotions.scan");
}

/// Who should get an n8n of their own, the most urgent first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionCandidates {
    candidates: Vec<PromotionCandidate>,
}

/// A tenant that has outgrown the n8n that it shares.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionCandidate {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    name: String,
    #[schema(example = "acme")]
    subdomain: String,
    #[schema(example = "enterprise")]
    plan: String,
    /// For people, the weightiest first.
    #[schema(example = json!(["High execution volume: 8,500/month", "Enterprise plan requires dedicated infrastructure"]))]
    reasons: Vec<String>,
    /// From a score of 70 it is `high`, from 30 `medium`.
    #[schema(value_type = vocabulary::Urgency)]
    priority: &'static str,
    /// 1 to 100.
    #[schema(example = 85)]
    score: u32,
}

impl PromotionCandidate {
    fn of(tenant: Candidate) -> Option<Self> {
        let Outgrown { score, urgency, reasons } = outgrown(&tenant)?;
        let Candidate { id: tenant_id, name, subdomain, plan, .. } = tenant;
        Some(Self { tenant_id, name, subdomain, plan, reasons, priority: urgency.as_str(), score })
    }
}

/// Tells which tenants that share an n8n should get one of their own, and why.
///
/// By what they do now (calls that wait, executions at once) and did (executions of the busier of this month and the last), and by what was promised to
/// them (plan, compliance, region, domain). Nothing is done: `POST /tenants/{id}/promote` does it.
#[utoipa::path(
    post, path = "/promotions/scan", tag = "tenants",
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    responses(
        (status = 200, body = PromotionCandidates),
    )
)]
pub async fn scan(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), ScanPromotions>,
) -> Answered<Json<PromotionCandidates>> {
    let tenants = sharing(&app.reader(command.identity().scope())).await?;
    let mut candidates: Vec<_> = tenants.into_iter().filter_map(PromotionCandidate::of).collect();
    candidates
        .sort_by(|one, other| other.score.cmp(&one.score).then_with(|| one.subdomain.cmp(&other.subdomain)));
    Ok(Json(PromotionCandidates { candidates }))
}
