//! `POST /tenants/{id}/restore-drill` and `GET /tenants/{id}/restore-drills`

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::Response,
};
use common::{
    clock,
    id::{BackupId, DrillId, OperationId, RestoreId, TenantId},
};
use http::StatusCode;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::restore::{USUAL, can_be_restored, refusal};
use crate::{
    app::App,
    auth::{Access, Command, Role, TenantOf},
    commands::{self, Asked},
    drills::{DrillAsked, DrillView, Held},
    http::{cursor::Cursor, request::Request},
    idempotency::{Answer, IdempotencyKey},
    jobs::drills::SANDBOX_TIME,
    problem::{Answered, Code, Problem},
    sandboxes::name_of_drill,
    store::{
        accept::CreateSandbox,
        drills::{Filter, page},
        restorable,
        steer::{RecordDrill, Steering},
        tenants::Tenant,
    },
};

pub enum Drill {}

impl Access for Drill {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some("tenant.drill");
}

/// The drill that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrillAccepted {
    #[schema(value_type = String, example = "drl_0198c0de0000700080000000000000ee")]
    drill_id: DrillId,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    /// What is tried out: any of the tenant's that can be restored.
    #[schema(value_type = String, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: BackupId,
    /// By what restores took lately; no promise.
    #[serde(with = "rfc3339")]
    estimated_completion: OffsetDateTime,
}

/// The drill that was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrillRecorded {
    #[schema(value_type = String, example = "drl_0198c0de0000700080000000000000ee")]
    drill_id: DrillId,
}

/// Holds a restore drill, or records one.
///
/// Without a body one of the tenant's backups, drawn at random, is restored into a sandbox: every row is counted, n8n is started on it, every
/// credential is opened, and a workflow is run. Then the sandbox goes. The tenant notices nothing. 409 while another one is held, and as for
/// restores. With a `result` it is one that somebody has held, and is recorded (201); owners cannot.
#[utoipa::path(
    post, path = "/tenants/{id}/restore-drill", tag = "backups",
    request_body = Option<DrillAsked>,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 201, body = DrillRecorded),
        (status = 202, body = DrillAccepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn drill(
    State(app): State<App>,
    Asked { command, body }: Asked<DrillAsked, Drill, Tenant>,
) -> Answered<Response> {
    let done = match body.held() {
        Ok(Some(held)) => record(&app, &command, held).await,
        Ok(None) => hold(&app, &command).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(answer) => Ok(answer),
        Err(problem) => command.repeat_or(&app.statements, problem).await,
    }
}

async fn hold(app: &App, command: &Command<Drill, Tenant>) -> Answered<Response> {
    let tenant = command.target();
    can_be_restored(tenant)?;
    let backup = restorable::any(&app.statements, tenant.id).await?;
    let backup = backup.ok_or_else(|| Problem::new(Code::NoRestorableBackup))?;
    let usual = restorable::usual_seconds(&app.statements, tenant.id).await?;
    let (drill, operation) = (DrillId::generate(), OperationId::generate());
    let accepted = DrillAccepted {
        drill_id: drill,
        operation_id: operation,
        backup_id: backup.id,
        estimated_completion: clock::now() + usual.map_or(USUAL, Duration::from_secs_f64),
    };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &accepted)?;
    let effect = CreateSandbox {
        id: TenantId::generate(),
        restore: RestoreId::generate(),
        of: tenant.id,
        backup: backup.id,
        executions: true,
        name: &name_of_drill(drill, &tenant.subdomain),
        time: SANDBOX_TIME,
        drill: Some(drill),
    };
    match commands::create_sandbox(app, command, operation, &effect, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(refusal(app, command, &backup, true).await?),
    }
}

async fn record(app: &App, command: &Command<Drill, Tenant>, held: Held) -> Answered<Response> {
    if !<RecordDrill as Steering>::ROLES.contains(&command.identity().role()) {
        return Err(Problem::new(Code::Forbidden).detail("Owners have drills held, and do not record them."));
    }
    let drill = DrillId::generate();
    let recorded = DrillRecorded { drill_id: drill };
    let location = format!("/tenants/{}/restore-drills", command.target().id);
    let answer = Answer::json(StatusCode::CREATED, location, &recorded)?;
    match commands::steer(app, command, &RecordDrill { drill, held }, answer).await? {
        Some(answer) => Ok(answer),
        None => Err(RecordDrill::refusal(command.target())),
    }
}

/// A page of drills, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DrillPage {
    data: Vec<DrillView>,
    /// Where the next page begins, if there is one.
    next_cursor: Option<String>,
}

/// Lists a tenant's restore drills.
#[utoipa::path(
    get, path = "/tenants/{id}/restore-drills", tag = "backups",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain"), Filter),
    responses(
        (status = 200, body = DrillPage),
    )
)]
pub async fn list_drills(
    State(app): State<App>,
    of: TenantOf,
    RawQuery(query): RawQuery,
) -> Answered<Json<DrillPage>> {
    let filter = Filter::of_query(query.as_deref(), &())?;
    let mut data = page(&app.reader(of.identity().scope()), of.tenant.id, &filter).await?;
    let next_cursor = filter.page.cut(&mut data, |last| Cursor { at: last.drilled_at, id: last.id.uuid() });
    Ok(Json(DrillPage { data: data.into_iter().map(DrillView::from).collect(), next_cursor }))
}
