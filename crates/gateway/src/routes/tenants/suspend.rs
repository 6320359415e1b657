//! `POST /tenants/{id}/suspend`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::kinds::TenantSuspend;

use super::operate::{Accepted, operate_for_a_reason};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::tenants::Tenant,
};

pub enum Suspend {}

impl Access for Suspend {
    const ROLES: &'static [Role] = TenantSuspend::KIND.roles;
    const ACTION: Option<&'static str> = Some(TenantSuspend::KIND.name);
}

/// Lets a tenant rest.
///
/// Callers of its address get 503 with `Retry-After` and a page that says so; no trigger fires; what was accepted before runs to its end, and is
/// waited for. Everything it has stays. A tenant that is suspended already stays so: 200.
#[utoipa::path(
    post, path = "/tenants/{id}/suspend", tag = "tenants",
    request_body = Option<OptionalReasonBody>,
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
pub async fn suspend(State(app): State<App>, command: Command<Suspend, Tenant>) -> Answered<Response> {
    operate_for_a_reason(&app, &command, &TenantSuspend {}).await
}
