//! `POST /shared-instances`

use axum::{extract::State, response::Response};
use common::{
    id::{OperationId, TenantId},
    operations::Request as _,
    tenant::{Mode, Purpose},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds::TenantCreate;

use crate::{
    app::App,
    auth::{Access, Command, Role},
    commands,
    http::request::Request,
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Pointer, Problem},
    routes::tenants::create::obstacle,
    shared_instances::{NewSharedInstance, PLAN},
    store::accept::CreateTenant,
    tenants::Region,
    vocabulary,
};

pub enum CreateSharedInstance {}

impl Access for CreateSharedInstance {
    const ROLES: &'static [Role] = &[Role::Admin];
    const ACTION: Option<&'static str> = Some(TenantCreate::KIND.name);
}

/// The n8n that was accepted. It is there once its operation has succeeded.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedSharedInstance {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    id: TenantId,
    #[schema(example = "shared-1")]
    name: String,
    #[schema(value_type = vocabulary::SharedInstanceState)]
    state: &'static str,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
}

/// Makes an n8n for tenants to share.
///
/// Made by an operation as any tenant is; `Location` names it. What no cluster can hold is refused: 409 `plan_too_large` or `no_room`, with the
/// figures. Nobody signs in to it, and neither customers nor the portal are told of it.
#[utoipa::path(
    post, path = "/shared-instances", tag = "shared instances",
    request_body = NewSharedInstance,
    security(("token" = ["admin"], "timestamp" = [], "signature" = [])),
    params(IdempotencyKey),
    responses(
        (status = 201, body = CreatedSharedInstance, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn create(State(app): State<App>, command: Command<CreateSharedInstance>) -> Answered<Response> {
    let offer = app.offers.now(&app.statements).await?;
    let wanted = match NewSharedInstance::of_body(command.body(), &*offer) {
        Ok(wanted) => wanted,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let (id, operation, name) = (TenantId::generate(), OperationId::generate(), wanted.name.as_str());
    command.exchange().note_named(name);
    let created =
        CreatedSharedInstance { id, name: name.to_owned(), state: "provisioning", operation_id: operation };
    let answer = Answer::json(StatusCode::CREATED, format!("/operations/{operation}"), &created)?;
    let region = wanted.region.as_ref().map(Region::as_str);
    let effect = CreateTenant {
        id,
        name,
        // Nobody's: mail to it goes nowhere.
        email: "platform@tenants.invalid",
        subdomain: name,
        mode: Mode::Dedicated,
        plan: PLAN,
        region,
        custom_domain: None,
        compliance: &[],
        metadata: &serde_json::Value::Object(serde_json::Map::new()),
        n8n_version: app.n8n_version,
        purpose: Purpose::Shared,
        capacity: Some(wanted.capacity.get()),
    };
    match commands::create(&app, &command, operation, &effect, answer).await.map_err(in_its_words)? {
        Some(answer) => Ok(answer),
        None => Err(obstacle(&app, PLAN, region, &[]).await?),
    }
}

/// Its name is the first label of its address, which is called otherwise where tenants are asked for.
fn in_its_words(problem: Problem) -> Problem {
    if problem.code() != Code::SubdomainTaken {
        return problem;
    }
    let detail =
        "This name is the first label of an address, which a tenant or another n8n has. Choose another one.";
    Problem::new(Code::SubdomainTaken).detail(detail).at(Pointer::to("name"))
}
