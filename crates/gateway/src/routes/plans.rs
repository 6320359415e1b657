//! `GET /plans`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::Caller,
    problem::Answered,
    store::plans::Plan,
    tenants::LimitsView,
    vocabulary::{self, WHEN_SUSPENDED},
};

/// A plan: what a tenant on it may use, and how far scaling may take it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanView {
    #[schema(example = "pro")]
    name: String,
    limits: LimitsView,
    ceilings: CeilingsView,
    /// What becomes of calls to the webhooks of a suspended tenant: held until it is resumed, or refused.
    #[schema(value_type = vocabulary::WhenSuspended)]
    when_suspended: &'static str,
}

/// Scaling goes to here and no further.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ceilings)]
pub struct CeilingsView {
    cpu_cores: f64,
    memory_mb: i32,
    workers: i32,
}

/// Every plan, the smallest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plans {
    data: Vec<PlanView>,
}

/// Lists what is offered.
#[utoipa::path(
    get, path = "/plans", tag = "plans",
    security(("token" = [])),
    responses(
        (status = 200, body = Plans),
    )
)]
pub async fn list(State(app): State<App>, _caller: Caller) -> Answered<Json<Plans>> {
    let offer = app.offers.now(&app.statements).await?;
    Ok(Json(Plans { data: offer.plans.iter().map(PlanView::from).collect() }))
}

impl From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        let most = plan.ceiling();
        let ceilings = CeilingsView {
            cpu_cores: f64::from(most.cpu_millis) / 1000.0,
            memory_mb: most.memory_mb,
            workers: most.workers,
        };
        let [held, refused] = WHEN_SUSPENDED;
        let when_suspended = if plan.holds_when_suspended { held } else { refused };
        Self { name: plan.name.clone(), limits: LimitsView::from(plan), ceilings, when_suspended }
    }
}
