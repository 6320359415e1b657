//! `POST /tenants/{id}/scale`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::kinds::TenantScale;

use super::operate::{Accepted, has_containers, is_ours, nothing_to_do, operate};
use crate::{
    app::App,
    auth::{Command, absent},
    commands::For,
    http::request::Request,
    idempotency::IdempotencyKey,
    problem::{Answered, Code, Problem},
    store::{
        operations, plans, room,
        tenants::{self, Tenant},
    },
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
    let request = scale.request();
    if let Some(tenant) = is_so(&app, &command, &request).await? {
        return nothing_to_do(&app, &command, &tenant, scale.reason.as_ref()).await;
    }
    operate(&app, &command, &request, scale.reason.as_ref()).await
}

/// The tenant, if it has that size, and nothing is about to give it another one or to make it one that has none. Asked for in this order: its
/// size is that of a moment at which nothing was under way.
async fn is_so(
    app: &App,
    command: &Command<For<TenantScale>, Tenant>,
    request: &TenantScale,
) -> Answered<Option<Tenant>> {
    let (reader, tenant) = (app.reader(command.identity().scope()), command.target().id);
    if operations::find_open(&app.statements, tenant, TenantScale::KIND).await?.is_some() {
        return Ok(None);
    }
    let tenant: Tenant = tenants::find(&reader, tenant).await?.ok_or_else(absent)?;
    let (to_be, _) = operations::status_to_be(&app.statements, tenant.id).await?.ok_or_else(absent)?;
    let could_be = TenantScale::KIND.from.iter().any(|status| status.as_str() == to_be);
    Ok(Some(tenant).filter(|tenant| could_be && scaling::is_so(tenant, request)))
}

async fn wanted(app: &App, command: &Command<For<TenantScale>, Tenant>) -> Answered<Scale> {
    let tenant = command.target();
    has_containers(tenant)?;
    is_ours(app, tenant).await?;
    let plan = plans::all(&app.statements).await?.into_iter().find(|plan| plan.name == tenant.plan);
    let plan = plan.ok_or_else(|| {
        Problem::new(Code::Conflict)
            .detail("The tenant's plan is not offered any more: it keeps the size that it has.")
    })?;
    let scale = Scale::of_body(command.body(), &Scalable { tenant, plan: &plan })?;
    if scale.request() == TenantScale::default() {
        return Err(scaling::nothing_asked_for());
    }
    match room::around(&app.statements, tenant.id).await? {
        None => Ok(scale),
        Some(around) => scaling::obstacle(tenant, &scale.request(), &around).map_or(Ok(scale), Err),
    }
}
