//! `DELETE /tenants/{id}`

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use common::{
    id::{OperationId, TenantId},
    operations::{NewOperation, Request},
    tenant::TenantStatus,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use wire::kinds::TenantDelete;

use crate::{
    app::App,
    auth::{Scope, absent},
    commands::{self, Asked, For},
    http::{
        request::{Request as _, request},
        switch::Switch,
    },
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, Problem},
    store::{
        accept::asked,
        operations,
        tenants::{self, Tenant},
    },
    tenants::in_the_way,
    vocabulary,
};

request! {
    /// What comes before it.
    pub struct RemovalQuery: Request {
        /// `false`: without a last backup. `true` when absent.
        final_backup: Option<Switch>,
    }
}

/// The removal that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Removal {
    #[schema(value_type = String, example = "ten_0198c0de0000700080000000000000aa")]
    tenant_id: TenantId,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    #[schema(value_type = vocabulary::TenantStatus)]
    status: TenantStatus,
}

/// Removes a tenant with everything it has.
///
/// Where backups are kept, a tenant is backed up a last time once nothing of it runs any more (but for one in an n8n that the platform does not run), and nothing is removed before
/// that backup was read back from the store; with `final_backup=false` there is none. A tenant that is still being created can be removed too: that
/// happens right after.
#[utoipa::path(
    delete, path = "/tenants/{id}", tag = "tenants",
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        RemovalQuery,
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Removal, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn delete(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Asked { command, body: () }: Asked<(), For<TenantDelete>, Tenant>,
) -> Answered<Response> {
    let RemovalQuery { final_backup } = RemovalQuery::of_query(query.as_deref(), &())?;
    if command.target().the_platforms_own {
        let detail = "It is no customer's: DELETE /shared-instances/{id} removes an n8n that tenants share, DELETE /sandboxes/{name} a sandbox.";
        return command.repeat_or(&app.statements, Problem::new(Code::Conflict).detail(detail)).await;
    }
    let (id, operation) = (command.target().id, OperationId::generate());
    let removal = Removal { tenant_id: id, operation_id: operation, status: TenantStatus::Deleting };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &removal)?;
    // The service that would make it is there if there is a place for it.
    let final_backup = app.backup_bucket.is_some() && final_backup.is_none_or(|Switch(on)| on);
    let new = NewOperation::of(operation, &id, &TenantDelete { final_backup }, asked(&command, None));
    match commands::accept(&app, &command, &new, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(gone(&app, command.identity().scope(), id).await?),
    }
}

/// Why there is nothing to remove.
async fn gone(app: &App, scope: &Scope, id: TenantId) -> Answered<Problem> {
    let reader = app.reader(scope);
    if let Some(operation) = operations::find_open(&app.statements, id, TenantDelete::KIND).await? {
        let detail = format!("The tenant is being removed by operation {operation}: wait for its end.");
        return Ok(Problem::new(Code::RemovalUnderWay).detail(detail));
    }
    // Read anew: what was found when the request came in may have been there still.
    let tenant: Option<Tenant> = tenants::find(&reader, id).await?;
    let deleted = tenant.is_some_and(|tenant| tenant.status.0 == TenantStatus::Deleted);
    if deleted {
        return Ok(Problem::new(Code::TenantDeleted));
    }
    Ok(in_the_way(app, id).await?.unwrap_or_else(absent))
}
