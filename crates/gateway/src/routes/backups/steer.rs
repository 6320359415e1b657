//! `DELETE /backups/{id}` and what keeps it from being removed.

use axum::{extract::State, response::Response};
use common::id::BackupId;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Command, absent_backup},
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::{
        accept::Moot,
        backups::{self, Backup},
        steer::{HoldBackup, ReleaseBackup, RemoveBackup, Steering},
    },
    vocabulary,
};

/// What a backup is from now on.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupSteered {
    #[schema(value_type = String, example = "bak_0198c0de0000700080000000000000dd")]
    backup_id: BackupId,
    #[schema(value_type = vocabulary::BackupStatus)]
    status: String,
    legal_hold: bool,
}

/// Removes a backup.
///
/// It is none from then on, and its objects are removed within minutes. One under a legal hold stays, so does one that something is restored from
/// (`backup_in_use`), and so does the last that its tenant could be restored from while the tenant is there: 409. One that is being removed already is so (202), and one of which nothing is left stays so (200).
#[utoipa::path(
    delete, path = "/backups/{id}", tag = "backups",
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The backup's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = BackupSteered, description = "Nothing was left of it"),
        (status = 202, body = BackupSteered, headers(("location" = String, description = "The backup"))),
    )
)]
pub async fn remove(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), RemoveBackup, Backup>,
) -> Answered<Response> {
    let answer = removed(BackupSteered { status: "removing".into(), ..steered(command.target(), false) })?;
    let remove = RemoveBackup::new(command.target());
    if let Some(answer) = commands::steer(&app, &command, &remove, answer).await? {
        return Ok(answer);
    }
    let backup = read_anew(&app, &command).await?;
    if !backup.is_gone() {
        return Err(RemoveBackup::refusal(&backup));
    }
    let moot = Moot { tenant: backup.tenant_id, operation: None, reason: remove.reason() };
    let answer = removed(steered(&backup, backup.legal_hold))?;
    commands::nothing_to_do(&app, &command, &moot, answer).await
}

fn removed(steered: BackupSteered) -> Answered<Answer> {
    if steered.status == "removing" {
        return Answer::json(StatusCode::ACCEPTED, format!("/backups/{}", steered.backup_id), &steered);
    }
    Answer::done(&steered)
}

/// Puts a backup under a legal hold: nobody removes it, however old it is.
#[utoipa::path(
    post, path = "/backups/{id}/hold", tag = "backups",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The backup's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = BackupSteered),
    )
)]
pub async fn hold(
    State(app): State<App>,
    Asked { command, body: OptionalReasonBody { reason } }: Asked<OptionalReasonBody, HoldBackup, Backup>,
) -> Answered<Response> {
    let answer = Answer::done(&steered(command.target(), true))?;
    let hold = HoldBackup::new(command.target(), reason.as_ref());
    steer(&app, &command, hold, answer).await
}

/// Lets a backup go that was under a legal hold.
#[utoipa::path(
    post, path = "/backups/{id}/release", tag = "backups",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The backup's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = BackupSteered),
    )
)]
pub async fn release(
    State(app): State<App>,
    Asked { command, body: OptionalReasonBody { reason } }: Asked<OptionalReasonBody, ReleaseBackup, Backup>,
) -> Answered<Response> {
    let answer = Answer::done(&steered(command.target(), false))?;
    let release = ReleaseBackup::new(command.target(), reason.as_ref());
    steer(&app, &command, release, answer).await
}

fn steered(backup: &Backup, legal_hold: bool) -> BackupSteered {
    BackupSteered { backup_id: backup.id, status: backup.status.clone(), legal_hold }
}

/// Does it, or says why not, of the backup as it is by now.
async fn steer<S: Steering<Target = Backup>>(
    app: &App,
    command: &Command<S, Backup>,
    steering: S,
    answer: Answer,
) -> Answered<Response> {
    if let Some(answer) = commands::steer(app, command, &steering, answer).await? {
        return Ok(answer);
    }
    Err(S::refusal(&read_anew(app, command).await?))
}

/// What was found when the request came in may have changed since.
async fn read_anew<S: Steering<Target = Backup>>(
    app: &App,
    command: &Command<S, Backup>,
) -> Answered<Backup> {
    let reader = app.reader(command.identity().scope());
    backups::find(&reader, command.target().id).await?.ok_or_else(absent_backup)
}
