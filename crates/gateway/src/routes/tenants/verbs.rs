//! `POST /tenants/{id}/…`: what is done to a tenant for no more than a reason.

use axum::{extract::State, response::Response};
use wire::kinds::{TenantRestart, TenantResume, TenantSuspend};

use super::operate::{Accepted, has_containers, operate};
use crate::{
    app::App,
    commands::{Asked, For},
    idempotency::IdempotencyKey,
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::tenants::Tenant,
};

/// Asks for an operation of this kind.
type Verb<R> = Asked<OptionalReasonBody, For<R>, Tenant>;

/// Lets a tenant's containers begin anew.
///
/// The main first, then workers one after the other, each when the one before is ready; executions that run are let end. Until the last is ready
/// callers get 503 with `Retry-After`, or their calls are held. Asked again while it is done, it is the same restart.
#[utoipa::path(
    post, path = "/tenants/{id}/restart", tag = "tenants",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator", "service", "owner"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn restart(State(app): State<App>, asked: Verb<TenantRestart>) -> Answered<Response> {
    if let Err(problem) = has_containers(asked.command.target()) {
        return asked.command.repeat_or(&app.statements, problem).await;
    }
    operate(&app, &asked.command, &TenantRestart {}, asked.body.reason.as_ref()).await
}

/// Lets a tenant rest.
///
/// Callers of its address get 503 with `Retry-After` and a page that says so, or calls that run a workflow are held, as its plan says (`when_suspended`); no trigger fires; what was accepted before runs to its end, and is
/// waited for. Everything it has stays. A tenant that is suspended already stays so: 200.
#[utoipa::path(
    post, path = "/tenants/{id}/suspend", tag = "tenants",
    request_body = Option<OptionalReasonBody>,
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
pub async fn suspend(State(app): State<App>, asked: Verb<TenantSuspend>) -> Answered<Response> {
    operate(&app, &asked.command, &TenantSuspend {}, asked.body.reason.as_ref()).await
}

/// Brings a suspended tenant back.
///
/// What was active in its n8n is active again. A tenant that is active already stays so: 200.
#[utoipa::path(
    post, path = "/tenants/{id}/resume", tag = "tenants",
    request_body = Option<OptionalReasonBody>,
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
pub async fn resume(State(app): State<App>, asked: Verb<TenantResume>) -> Answered<Response> {
    operate(&app, &asked.command, &TenantResume {}, asked.body.reason.as_ref()).await
}
