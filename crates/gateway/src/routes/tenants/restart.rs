//! `POST /tenants/{id}/restart`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::kinds::TenantRestart;

use super::operate::{Accepted, operate_for_a_reason};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::tenants::Tenant,
};

pub enum Restart {}

impl Access for Restart {
    const ROLES: &'static [Role] = TenantRestart::KIND.roles;
    const ACTION: Option<&'static str> = Some(TenantRestart::KIND.name);
}

/// Lets a tenant's containers begin anew.
///
/// Workers first, one after the other, each when the one before is ready; executions that run are let end. While the main starts, callers get
/// 503 with `Retry-After`. Asked again while it is done, it is the same restart.
#[utoipa::path(
    post, path = "/tenants/{id}/restart", tag = "tenants",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator", "service", "owner"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn restart(State(app): State<App>, command: Command<Restart, Tenant>) -> Answered<Response> {
    operate_for_a_reason(&app, &command, &TenantRestart {}).await
}
