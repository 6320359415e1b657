//! `POST /tenants`

use std::time::Duration;

use axum::{extract::State, response::Response};
use common::{
    id::{OperationId, TenantId},
    tenant::TenantStatus,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Command, Role},
    commands::accept,
    idempotency::{Answer, repeat_or},
    problem::{Answered, Code, Problem},
    store::{accept::CreateTenant, plans},
    tenants::{NewTenant, NewTenantBody, Rules},
};

/// Plans change with a migration; a new one may take this long to be known everywhere.
const PLANS_KEPT_FOR: Duration = Duration::from_secs(5);

pub enum Create {}

impl Access for Create {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Service];
    const ACTION: Option<&'static str> = Some("tenant.create");
}

/// The tenant that was accepted. It is there once its operation has succeeded.
#[derive(Debug, Serialize, ToSchema)]
pub struct Created {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    #[schema(example = "http://acme.localhost:8000")]
    login_url: String,
    /// The same; both names are in use.
    #[serde(rename = "loginUrl")]
    login_url_too: String,
    #[schema(value_type = String, example = "provisioning")]
    status: TenantStatus,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
}

/// Creates a tenant.
///
/// Answered as soon as it is certain to happen; `Location` names the operation to watch.
#[utoipa::path(
    post, path = "/tenants", tag = "tenants",
    request_body = NewTenantBody,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(("idempotency-key" = Option<String>, Header, description = "Sent twice, done once")),
    responses(
        (status = 201, body = Created, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn create(State(app): State<App>, command: Command<Create>) -> Answered<Response> {
    let plans = app.plans.get(PLANS_KEPT_FOR, async || plans::names(&app.statements).await).await?;
    let rules = Rules { plans: &plans, domain: app.public.domain() };
    let tenant = match NewTenant::parse(command.body(), &rules) {
        Ok(tenant) => tenant,
        Err(problem) => return repeat_or(&app, &command, problem).await,
    };
    let (id, operation) = (TenantId::generate(), OperationId::generate());
    let login_url = app.public.login_url(tenant.subdomain.as_str());
    let created = Created {
        tenant_id: id,
        login_url: login_url.clone(),
        login_url_too: login_url,
        status: TenantStatus::Provisioning,
        operation_id: operation,
    };
    let answer = Answer::json(StatusCode::CREATED, format!("/operations/{operation}"), &created)?;
    let effect = CreateTenant { id, tenant: &tenant, n8n_version: &app.n8n_version };
    let accepted = accept(&app, &command, operation, &effect, answer).await?;
    // Only a plan that vanished since it was read is in the way.
    accepted.ok_or_else(|| Problem::new(Code::Conflict).detail("The plan is not offered any more."))
}
