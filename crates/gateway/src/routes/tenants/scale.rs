//! `POST /tenants/{id}/scale`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use serde::Deserialize;
use utoipa::ToSchema;
use wire::kinds::TenantScale;

use super::operate::{Accepted, operate, so_already};
use crate::{
    app::App,
    auth::{Access, Command, Role, absent},
    idempotency::{repeat_or, stored_answer},
    problem::{Answered, Code, Problem},
    store::{
        operations, plans, room,
        tenants::{self, Tenant},
    },
    tenants::scaling::{self, Scaling},
};

pub enum Scale {}

impl Access for Scale {
    const ROLES: &'static [Role] = TenantScale::KIND.roles;
    const ACTION: Option<&'static str> = Some(TenantScale::KIND.name);
}

/// What is to change. What is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Scale)]
#[expect(dead_code, reason = "describes the body; it is read field by field")]
pub struct ScaleBody {
    /// Cores of each container, in thousandths at the finest.
    #[schema(minimum = 0.25, example = 1.5)]
    cpu: Option<f64>,
    /// Of each container.
    #[schema(minimum = 512, example = 2048)]
    memory_mb: Option<u32>,
    #[schema(minimum = 1, example = 3)]
    workers: Option<u32>,
    /// For those who read the audit log; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "Monday mornings are slow.")]
    reason: Option<String>,
}

/// Gives a tenant other limits, or another number of workers.
///
/// Cpu and memory change on the running containers: nothing restarts. A worker that is to go ends what it runs first. More than the plan's
/// ceiling is 422 with what is allowed; what the cluster does not have is 409 with the figures. A tenant that is so already stays so: 200.
#[utoipa::path(
    post, path = "/tenants/{id}/scale", tag = "tenants",
    request_body = ScaleBody,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn scale(State(app): State<App>, command: Command<Scale, Tenant>) -> Answered<Response> {
    let Scaling { request, reason } = match wanted(&app, &command).await {
        Ok(wanted) => wanted,
        Err(problem) => return repeat_or(&app, &command, problem).await,
    };
    if let Some(tenant) = is_so(&app, &command, &request).await? {
        // A repeat gets its first answer, also once that has come true.
        return Ok(stored_answer(&app, &command).await?.unwrap_or_else(|| so_already(&tenant)));
    }
    operate(&app, &command, &request, reason).await
}

/// The tenant, if it has that size and nothing is about to give it another one. Asked for in this order: its size is that of a moment
/// at which nothing was under way.
async fn is_so(
    app: &App,
    command: &Command<Scale, Tenant>,
    request: &TenantScale,
) -> Answered<Option<Tenant>> {
    let (reader, tenant) = (app.reader(command.identity().scope()), command.target().id);
    if operations::find_open(&reader, tenant, TenantScale::KIND).await?.is_some() {
        return Ok(None);
    }
    let tenant: Tenant = tenants::find(&reader, tenant).await?.ok_or_else(absent)?;
    let could_be = TenantScale::KIND.from.contains(&tenant.status.0);
    Ok(Some(tenant).filter(|tenant| could_be && scaling::is_so(tenant, request)))
}

async fn wanted(app: &App, command: &Command<Scale, Tenant>) -> Answered<Scaling> {
    let tenant = command.target();
    let plan = plans::all(&app.statements).await?.into_iter().find(|plan| plan.name == tenant.plan);
    let plan = plan
        .ok_or_else(|| Problem::new(Code::Conflict).detail("The tenant's plan is not offered any more."))?;
    let scaling = Scaling::parse(command.body(), tenant, &plan)?;
    let Some(cluster) = &tenant.cluster_id else { return Ok(scaling) };
    match room::of_cluster(&app.statements, cluster).await? {
        None => Ok(scaling),
        Some(room) => scaling::obstacle(tenant, &plan, &scaling.request, &room).map_or(Ok(scaling), Err),
    }
}
