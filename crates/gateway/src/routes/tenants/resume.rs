//! `POST /tenants/{id}/resume`

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::kinds::TenantResume;

use super::operate::{Accepted, operate_for_a_reason};
use crate::{
    app::App,
    auth::{Access, Command, Role},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::tenants::Tenant,
};

pub enum Resume {}

impl Access for Resume {
    const ROLES: &'static [Role] = TenantResume::KIND.roles;
    const ACTION: Option<&'static str> = Some(TenantResume::KIND.name);
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
        ("idempotency-key" = Option<String>, Header, description = "Sent twice, done once"),
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn resume(State(app): State<App>, command: Command<Resume, Tenant>) -> Answered<Response> {
    operate_for_a_reason(&app, &command, &TenantResume {}).await
}
