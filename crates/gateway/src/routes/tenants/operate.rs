//! What the routes share that have an operation done to a tenant.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use common::{
    id::{OperationId, TenantId},
    operations::{NewOperation, Request},
    tenant::TenantStatus,
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Command, absent},
    commands,
    idempotency::Answer,
    problem::{Answered, Code, Problem},
    store::{
        accept::asked,
        operations,
        tenants::{self, Tenant},
    },
    tenants::words::Reason,
    vocabulary,
};

/// What became of a request about a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    /// What does it, to be watched at `Location`. Nothing, if it is so already.
    #[schema(value_type = Option<String>, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: Option<OperationId>,
    /// How the tenant is now; the operation says when that changes.
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
    /// Whether it was so, or being done, before this request.
    already: bool,
}

/// Has it done, or says that it is so or being done already, or why it cannot be.
pub async fn operate<A, R: Request>(
    app: &App,
    command: &Command<A, Tenant>,
    request: &R,
    reason: Option<&Reason>,
) -> Answered<Response> {
    let (tenant, operation) = (command.target(), OperationId::generate());
    let accepted = Accepted {
        tenant_id: tenant.id,
        operation_id: Some(operation),
        status: R::KIND.passes.unwrap_or(tenant.status.0),
        already: false,
    };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &accepted)?;
    let new = NewOperation::of(operation, tenant.id, request, asked(command, reason.map(Reason::as_str)));
    match commands::accept(app, command, &new, answer).await? {
        Some(answer) => Ok(answer),
        None => not_accepted::<A, R>(app, command).await,
    }
}

/// That nothing has to be done: it is so.
pub fn so_already(tenant: &Tenant) -> Response {
    let so = Accepted { tenant_id: tenant.id, operation_id: None, status: tenant.status.0, already: true };
    (StatusCode::OK, Json(so)).into_response()
}

/// Read anew: what was found when the request came in may be why it was asked, not why it is refused.
async fn not_accepted<A, R: Request>(app: &App, command: &Command<A, Tenant>) -> Answered<Response> {
    let (kind, reader) = (R::KIND, app.reader(command.identity().scope()));
    let tenant: Tenant = tenants::find(&reader, command.target().id).await?.ok_or_else(absent)?;
    if kind.single
        && let Some(operation) = operations::find_open(&reader, tenant.id, kind).await?
    {
        let operation_id = Some(operation);
        let open = Accepted { tenant_id: tenant.id, operation_id, status: tenant.status.0, already: true };
        let location = HeaderValue::try_from(format!("/operations/{operation}"));
        let location = location.map_err(|_| Problem::new(Code::Internal))?;
        return Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(open)).into_response());
    }
    if kind.ends == Some(tenant.status.0) {
        return Ok(so_already(&tenant));
    }
    let from: Vec<_> = kind.from.iter().map(|status| status.as_str()).collect();
    let detail =
        format!("The tenant is {}; this is done to one that is {}.", tenant.status.0, from.join(" or "));
    Err(Problem::new(Code::Conflict).detail(detail))
}
