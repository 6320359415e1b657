//! `POST /tenants/{id}/scale`

use axum::{extract::State, response::Response};
use wire::kinds::TenantScale;

use super::operate::{Accepted, operate, so_already};
use crate::{
    app::App,
    auth::Command,
    commands::For,
    http::request::Request,
    idempotency::IdempotencyKey,
    problem::{Answered, Code, Problem},
    store::{plans, room, tenants::Tenant},
    tenants::scaling::{self, Scalable, Scale},
};

/// Gives a tenant other limits, or another number of workers.
///
/// Cpu and memory change on the running containers: nothing restarts. A worker that is to go ends what it runs first. More than the plan's
/// ceiling is 422 with what is allowed; what the cluster does not have is 409 with the figures. A tenant that is so already stays so: 200.
#[utoipa::path(
    post, path = "/tenants/{id}/scale", tag = "tenants",
    request_body = Scale,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn scale(State(app): State<App>, command: Command<For<TenantScale>, Tenant>) -> Answered<Response> {
    let scale = match wanted(&app, &command).await {
        Ok(wanted) => wanted,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let (tenant, request) = (command.target(), scale.request());
    if scaling::is_so(tenant, &request) {
        return Ok(so_already(tenant));
    }
    operate(&app, &command, &request, scale.reason.as_ref()).await
}

async fn wanted(app: &App, command: &Command<For<TenantScale>, Tenant>) -> Answered<Scale> {
    let tenant = command.target();
    let plan = plans::all(&app.statements).await?.into_iter().find(|plan| plan.name == tenant.plan);
    let plan = plan
        .ok_or_else(|| Problem::new(Code::Conflict).detail("The tenant's plan is not offered any more."))?;
    let scale = Scale::of_body(command.body(), &Scalable { tenant, plan: &plan })?;
    let Some(cluster) = &tenant.cluster_id else { return Ok(scale) };
    match room::of_cluster(&app.statements, cluster).await? {
        None => Ok(scale),
        Some(room) => scaling::obstacle(tenant, &plan, &scale.request(), &room).map_or(Ok(scale), Err),
    }
}
