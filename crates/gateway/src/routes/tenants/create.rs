//! `POST /tenants`

use axum::{extract::State, response::Response};
use common::{
    id::{OperationId, TenantId},
    tenant::{Mode, Purpose, TenantStatus},
    version::Version,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::kinds::TenantCreate;

use crate::{
    app::App,
    auth::Command,
    commands::{self, For},
    http::request::Request,
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Pointer, Problem},
    store::{accept::CreateTenant, room},
    tenants::{self, CustomDomain, NewTenant, Region, Rules},
    vocabulary,
};

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
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
}

/// Creates a tenant.
///
/// Answered as soon as it is certain to happen; `Location` names the operation to watch. It shares an n8n with others unless `mode` is
/// `dedicated`, and such a one may choose its `n8n_version`. What nobody can hold is refused with the figures: 409 `no_shared_n8n`, and for a dedicated one `plan_too_large` or `no_room`.
#[utoipa::path(
    post, path = "/tenants", tag = "tenants",
    request_body = NewTenant,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(IdempotencyKey),
    responses(
        (status = 201, body = Created, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn create(State(app): State<App>, command: Command<For<TenantCreate>>) -> Answered<Response> {
    let offer = app.offers.now(&app.statements).await?;
    command.exchange().note_named(&subdomain_asked_for(command.body()));
    let rules = Rules { offer: &offer, domain: app.public.domain.as_str() };
    let (tenant, n8n_version) = match wanted(command.body(), &rules, app.n8n_version) {
        Ok(wanted) => wanted,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
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
    let (plan, region) = (tenant.plan.as_str(), tenant.region.as_ref().map(Region::as_str));
    let effect = CreateTenant {
        id,
        name: tenant.name.as_str(),
        email: tenant.email.as_str(),
        subdomain: tenant.subdomain.as_str(),
        mode: tenant.mode.mode(),
        plan,
        region,
        custom_domain: tenant.custom_domain.as_ref().map(CustomDomain::as_str),
        compliance: tenant.compliance.tags(),
        metadata: tenant.metadata.as_json(),
        n8n_version,
        purpose: Purpose::Customer,
        capacity: None,
    };
    match commands::create(&app, &command, operation, &effect, answer).await? {
        Some(answer) => Ok(answer),
        None if tenant.mode.mode() == Mode::Shared => {
            Err(no_place(&app, region, tenant.compliance.tags()).await?)
        }
        None => Err(obstacle(&app, plan, region, tenant.compliance.tags()).await?),
    }
}

/// Asked afterwards, as below.
async fn no_place(app: &App, region: Option<&str>, compliance: &[String]) -> Answered<Problem> {
    let shared = room::shared_n8ns(&app.statements, region, compliance).await?;
    Ok(tenants::no_place(&shared).unwrap_or_else(|| Problem::new(Code::NoSharedN8n)))
}

/// Asked afterwards, and only of what was refused: accepting stays one statement.
pub async fn obstacle(
    app: &App,
    plan: &str,
    region: Option<&str>,
    compliance: &[String],
) -> Answered<Problem> {
    let Some(wanted) = room::wanted(&app.statements, plan).await? else {
        return Ok(Problem::new(Code::Conflict)
            .detail("The plan is not offered any more: choose another one (`GET /plans`)."));
    };
    let rooms = room::rooms(&app.statements, region, compliance).await?;
    // Somebody may have left between the two looks.
    Ok(tenants::obstacle(plan, &wanted, &rooms).unwrap_or_else(|| Problem::new(Code::NoRoom)))
}

/// The tenant that is asked for, and which n8n it runs, if some cluster can keep what it asks.
fn wanted(body: &[u8], rules: &Rules<'_>, usual: Version) -> Answered<(NewTenant, Version)> {
    let tenant = NewTenant::of_body(body, rules)?;
    let n8n_version = tenant.version(usual)?;
    let (region, tags) = (tenant.region.as_ref().map(Region::as_str), tenant.compliance.tags());
    if rules.offer.complies(region, tags) {
        return Ok((tenant, n8n_version));
    }
    let place = region.map_or_else(String::new, |region| format!(" in {region}"));
    let detail = format!(
        "No cluster{place} complies with all of: {}. Ask for fewer of them, or for another region.",
        tags.join(", ")
    );
    Err(Problem::new(Code::ComplianceUnmet).detail(detail).at(Pointer::to("compliance")))
}

/// Whatever else is wrong with the body.
fn subdomain_asked_for(body: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    struct Asked {
        #[serde(default)]
        subdomain: String,
    }
    serde_json::from_slice::<Asked>(body).unwrap_or_default().subdomain
}
