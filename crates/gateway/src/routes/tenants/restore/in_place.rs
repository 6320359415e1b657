//! In place of what the tenant has.

use std::time::Duration;

use axum::response::Response;
use common::{
    clock,
    id::{OperationId, RestoreId},
    operations::{NewOperation, Request as _},
    tenant::TenantStatus,
};
use http::StatusCode;
use wire::kinds::TenantRestore;

use super::{Restore, Restoring, USUAL, not_restorable};
use crate::{
    app::App,
    auth::{Command, absent},
    commands,
    idempotency::Answer,
    problem::{Answered, Code, FieldError, Pointer, Problem},
    sandboxes::RestoreBody,
    store::{
        accept::asked,
        external, operations,
        restorable::{self, Backup},
        tenants::{self, Tenant},
    },
    tenants::{in_the_way, next_step},
};

pub async fn restore(
    app: &App,
    command: &Command<Restore, Tenant>,
    body: &RestoreBody,
    backup: &Backup,
) -> Answered<Response> {
    let (tenant, operation) = (command.target().id, OperationId::generate());
    let usual = restorable::usual_seconds(&app.statements, tenant).await?;
    let request = TenantRestore {
        restore: RestoreId::generate(),
        backup: backup.id,
        executions: body.include_executions.unwrap_or(true),
        safety_backup: body.safety_backup.unwrap_or(true),
    };
    let restoring = Restoring {
        restore_id: request.restore,
        operation_id: operation,
        backup_id: backup.id,
        sandbox: None,
        sandbox_url: None,
        estimated_completion: clock::now() + usual.map_or(USUAL, Duration::from_secs_f64),
    };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &restoring)?;
    let new = NewOperation::of(operation, &tenant, &request, asked(command, None));
    match commands::accept(app, command, &new, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(refusal(app, command, backup).await?),
    }
}

/// Whether the platform runs what it is in.
pub async fn can_be_restored(app: &App, tenant: &Tenant) -> Answered<()> {
    if external::of_tenant(&app.statements, tenant.id).await?.is_none() {
        return Ok(());
    }
    let detail = "The tenant shares an n8n that the platform does not run: its backups are restored into a sandbox, and in place by hand (docs/restore-by-hand.md).";
    Err(Problem::new(Code::SharedTenant).detail(detail))
}

/// A sandbox takes nobody's place.
pub fn only_in_place(body: &RestoreBody) -> Answered<()> {
    if !body.restore_to_sandbox || body.safety_backup.is_none() {
        return Ok(());
    }
    let why = "belongs to a restore in place: a sandbox leaves the tenant as it is";
    Err(Problem::fields(vec![FieldError::new(Pointer::to("safety_backup"), "contradicts", why)]))
}

/// Read anew, and in the order of what can be done about it.
async fn refusal(app: &App, command: &Command<Restore, Tenant>, backup: &Backup) -> Answered<Problem> {
    let reader = app.reader(command.identity().scope());
    let tenant: Tenant = tenants::find(&reader, command.target().id).await?.ok_or_else(absent)?;
    if let Some(operation) = operations::find_open(&app.statements, tenant.id, TenantRestore::KIND).await? {
        let detail = format!("The tenant is being restored by operation {operation}: wait for its end.");
        return Ok(Problem::new(Code::Conflict).detail(detail));
    }
    let status = tenant.status.0;
    if status == TenantStatus::Deleted {
        return Ok(Problem::new(Code::TenantDeleted));
    }
    let there = restorable::find(&app.statements, tenant.id, backup.id).await?;
    if let Some(backup) = there.filter(|backup| !backup.is_restorable) {
        return Ok(not_restorable(&backup));
    }
    if let Some(problem) = in_the_way(app, tenant.id).await? {
        return Ok(problem);
    }
    let detail = format!(
        "The tenant is {status}, and is restored in place when it is active or suspended. {}",
        next_step(status)
    );
    Ok(Problem::new(Code::Conflict).detail(detail))
}
