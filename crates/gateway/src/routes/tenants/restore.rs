//! `POST /tenants/{id}/restore`

mod in_place;

use std::time::Duration;

use axum::{extract::State, response::Response};
use common::{
    clock,
    id::{BackupId, OperationId, RestoreId, TenantId},
    tenant::TenantStatus,
};
use http::StatusCode;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

use super::create::obstacle;
use crate::{
    app::App,
    auth::{Access, Command, Role, absent},
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, FieldError, Pointer, Problem},
    sandboxes::{MOST, PLAN, RestoreBody, day_of, free, name_on},
    store::{
        accept::CreateSandbox,
        drills,
        restorable::{self, Backup},
        sandboxes,
        tenants::{self, Tenant},
    },
    tenants::next_step,
};

/// What it is taken to last as long as nobody knows better.
pub const USUAL: Duration = Duration::from_secs(10 * 60);

/// So often another name is tried when somebody was faster.
const TRIES: usize = 5;

pub enum Restore {}

impl Access for Restore {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some("tenant.restore");
}

/// The restore that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Restoring {
    #[schema(value_type = String, example = "res_0198c0de0000700080000000000000cc")]
    restore_id: RestoreId,
    #[schema(value_type = String, example = "op_0198c0de0000700080000000000000bb")]
    operation_id: OperationId,
    /// What is restored.
    #[schema(value_type = String, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: BackupId,
    /// The sandbox's name, at `/sandboxes`; in place there is none.
    #[schema(example = "acme-restore-20260801")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<String>,
    #[schema(example = "https://acme-restore-20260801.flows.example")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_url: Option<String>,
    /// By what restores took lately; no promise.
    #[serde(with = "rfc3339")]
    estimated_completion: OffsetDateTime,
}

/// Restores a tenant's backup, into a sandbox beside it or in place.
///
/// A sandbox is an n8n of its own on the backup's database, with the backup's users. It reaches nothing outside, nothing in it starts by itself, and it
/// is removed when its time is over. A tenant has two at most (409 `too_many_sandboxes`); without a backup that can be restored it is 409
/// `no_restorable_backup`, and a backup that was removed or not found whole 409 `backup_not_restorable`. Of a tenant that shares an n8n, or did then, the sandbox
/// is an n8n of its own with the tenant's part.
///
/// In place (`"restore_to_sandbox": false`) the backup is read and loaded beside what the tenant has while that works on. Then the tenant stops, what
/// it has is backed up (`safety_backup`), and the two are exchanged; callers get 503 with `Retry-After` meanwhile. In an n8n that is shared the tenant's part is
/// replaced and nobody else's touched; one that the platform does not run is 422 `shared_tenant`. Whatever goes wrong, the tenant is as it was. It
/// is `migrating` until the end, and afterwards as before: 409 while it is neither `active` nor `suspended`.
#[utoipa::path(
    post, path = "/tenants/{id}/restore", tag = "sandboxes",
    request_body = RestoreBody,
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Restoring, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn restore(
    State(app): State<App>,
    Asked { command, body }: Asked<RestoreBody, Restore, Tenant>,
) -> Answered<Response> {
    let restored = match wanted(&app, command.target(), &body).await {
        Ok(backup) if body.restore_to_sandbox => into_sandbox(&app, &command, &body, &backup).await,
        Ok(backup) => in_place::restore(&app, &command, &body, &backup).await,
        Err(problem) => Err(problem),
    };
    match restored {
        Ok(answer) => Ok(answer),
        // What was accepted before may have used up what is missing now.
        Err(problem) => command.repeat_or(&app.statements, problem).await,
    }
}

/// Whether it is a tenant of which anything can be.
pub fn can_be_restored(tenant: &Tenant) -> Answered<()> {
    if tenant.the_platforms_own {
        return Err(
            Problem::new(Code::Conflict).detail("It is no customer's tenant: nothing of it is restored.")
        );
    }
    Ok(())
}

/// The backup that is asked for, if it can be restored.
async fn wanted(app: &App, tenant: &Tenant, body: &RestoreBody) -> Answered<Backup> {
    can_be_restored(tenant)?;
    if !body.restore_to_sandbox {
        in_place::can_be_restored(app, tenant).await?;
    }
    in_place::only_in_place(body)?;
    if body.backup_id.is_some() && body.restore_point.is_some() {
        let both = FieldError::new(
            Pointer::to("restore_point"),
            "contradicts",
            "must not be given together with backup_id",
        );
        return Err(Problem::fields(vec![both]));
    }
    match body.backup_id {
        None => {
            let newest = restorable::newest(&app.statements, tenant.id, body.restore_point).await?;
            newest.ok_or_else(|| none_by(body.restore_point.is_some()))
        }
        Some(id) => loadable(app, tenant, id).await,
    }
}

/// This backup of the tenant's, if it can be loaded.
pub async fn loadable(app: &App, tenant: &Tenant, id: BackupId) -> Answered<Backup> {
    let found = restorable::find(&app.statements, tenant.id, id).await?;
    let backup =
        found.ok_or_else(|| Problem::new(Code::NotFound).detail("The tenant has no such backup."))?;
    if backup.is_restorable { Ok(backup) } else { Err(not_restorable(&backup)) }
}

async fn into_sandbox(
    app: &App,
    command: &Command<Restore, Tenant>,
    body: &RestoreBody,
    backup: &Backup,
) -> Answered<Response> {
    let (tenant, now) = (command.target(), clock::now());
    let usual = restorable::usual_seconds(&app.statements, tenant.id).await?;
    let lasts = usual.map_or(USUAL, Duration::from_secs_f64);
    let beginning = name_on(day_of(now), &tenant.subdomain);
    for _ in 0..TRIES {
        let taken = sandboxes::names_taken(&app.statements, &beginning).await?;
        let name = free(&beginning, &taken);
        let (restore, operation) = (RestoreId::generate(), OperationId::generate());
        let restoring = Restoring {
            restore_id: restore,
            operation_id: operation,
            backup_id: backup.id,
            sandbox_url: Some(app.public.login_url(&name)),
            sandbox: Some(name.clone()),
            estimated_completion: now + lasts,
        };
        let answer = Answer::json(StatusCode::ACCEPTED, format!("/operations/{operation}"), &restoring)?;
        let effect = CreateSandbox {
            id: TenantId::generate(),
            restore,
            of: tenant.id,
            backup: backup.id,
            executions: body.include_executions.unwrap_or(true),
            name: &name,
            time: app.sandbox_time,
            drill: None,
        };
        match commands::create_sandbox(app, command, operation, &effect, answer).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => return Err(refusal(app, command, backup, false).await?),
            // Somebody has this name since.
            Err(problem) if problem.code() == Code::SubdomainTaken => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::new(Code::Conflict).detail("Others restore the same tenant at this moment: ask again."))
}

/// Read anew, and in the order of what can be done about it.
pub async fn refusal<A>(
    app: &App,
    command: &Command<A, Tenant>,
    backup: &Backup,
    is_drill: bool,
) -> Answered<Problem> {
    let reader = app.reader(command.identity().scope());
    let tenant: Tenant = tenants::find(&reader, command.target().id).await?.ok_or_else(absent)?;
    let status = tenant.status.0;
    if status == TenantStatus::Deleted {
        return Ok(Problem::new(Code::TenantDeleted));
    }
    if !matches!(status, TenantStatus::Active | TenantStatus::Suspended | TenantStatus::Migrating) {
        let detail = format!("The tenant is {status}. {}", next_step(status));
        return Ok(Problem::new(Code::Conflict).detail(detail));
    }
    let there = restorable::find(&app.statements, tenant.id, backup.id).await?;
    if let Some(backup) = there.filter(|backup| !backup.is_restorable) {
        return Ok(not_restorable(&backup));
    }
    if is_drill {
        if drills::is_held(&app.statements, tenant.id).await? {
            return Ok(
                Problem::new(Code::Conflict).detail("A drill of the tenant is being held: wait for its end.")
            );
        }
    } else if sandboxes::count(&app.statements, tenant.id).await? >= i64::from(MOST) {
        let detail = format!(
            "The tenant has {MOST} sandboxes: remove one of them (`GET /sandboxes`, `DELETE /sandboxes/{{name}}`)."
        );
        return Ok(Problem::new(Code::TooManySandboxes).detail(detail));
    }
    obstacle(app, PLAN, tenant.region.as_deref(), &tenant.compliance).await
}

fn none_by(moment: bool) -> Problem {
    let problem = Problem::new(Code::NoRestorableBackup);
    if moment {
        problem.detail("No backup of the tenant that can be restored was taken by then.")
    } else {
        problem
    }
}

fn not_restorable(backup: &Backup) -> Problem {
    let why = match backup.status.as_str() {
        "removing" | "removed" => "It was removed.",
        _ if backup.failed => "It could not be taken, or was not found whole.",
        "verified" | "proven" => "It was made without the database.",
        _ => "It is not complete, or was not read back yet: ask again in a while.",
    };
    Problem::new(Code::BackupNotRestorable)
        .detail(format!("{why} Without `backup_id` the newest that can be restored is taken."))
}
