//! `POST /upgrades`

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use common::id::{RolloutId, TenantId};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Command, Role},
    commands::refusal,
    http::request::Request as _,
    idempotency::{Answer, IdempotencyKey},
    problem::{Answered, Code, FieldError, Problem},
    rollouts::{NewRollout, Selection},
    store::{
        accept::AcceptError,
        rollouts::{self, CreateRollout},
    },
    tenants::words::Reason,
    vocabulary,
};

#[derive(Debug)]
pub enum StartRollout {}

impl Access for StartRollout {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
    const ACTION: Option<&'static str> = Some("rollout.create");
}

/// The rollout that was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedRollout {
    #[schema(value_type = String, example = "rol_0198c0de0000700080000000000000ee")]
    id: RolloutId,
    /// `succeeded` where everybody who is meant runs that release already.
    #[schema(value_type = vocabulary::RolloutStatus)]
    status: &'static str,
    #[schema(example = "2.41.1")]
    n8n_version: String,
    /// How many tenants are to be upgraded.
    tenants: usize,
}

/// Gives many tenants a later release of n8n, in waves.
///
/// Those are upgraded who are meant, have an n8n of their own and run an earlier release, each as by `POST /tenants/{id}/upgrade`: the smallest plans
/// first. The first wave is one tenant; each has twice as many as the one before, up to `concurrency`, and begins when the one before is over.
/// Once more than `max_failures` have failed nobody begins any more (`stopped`); who failed is as before, and who is under way goes on.
/// Suspended tenants are passed over. One rollout is under way at a time: 409. Asking for it again takes up those who are left.
#[utoipa::path(
    post, path = "/upgrades", tag = "rollouts",
    request_body = NewRollout,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(IdempotencyKey),
    responses(
        (status = 202, body = StartedRollout, headers(("location" = String, description = "The rollout"))),
    )
)]
pub async fn create(State(app): State<App>, command: Command<StartRollout>) -> Answered<Response> {
    let (new, tenants) = match wanted(&app, &command).await {
        Ok(wanted) => wanted,
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    let id = RolloutId::generate();
    let status = if tenants.is_empty() { "succeeded" } else { "running" };
    let started =
        StartedRollout { id, status, n8n_version: new.version().to_string(), tenants: tenants.len() };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/upgrades/{id}"), &started)?;
    let create = CreateRollout {
        id,
        version: new.version(),
        selection: new.selection.as_ref().map_or_else(|| serde_json::json!({}), Selection::as_asked),
        tenants,
        concurrency: new.at_once(),
        max_failures: new.may_fail(),
        reason: new.reason.as_ref().map(Reason::as_str),
    };
    match create.accept(&app.statements, &command, &answer).await {
        Ok(true) => Ok(answer.into_response()),
        // A repeat under its key: it has its answer.
        Ok(false) => command.repeat_or(&app.statements, Problem::new(Code::Internal)).await,
        // In between, somebody else was first.
        Err(AcceptError::RolloutUnderWay) => {
            let problem = under_way(&app).await?.unwrap_or_else(|| Problem::new(Code::Conflict));
            command.repeat_or(&app.statements, problem).await
        }
        Err(error) => Err(refusal(error)),
    }
}

/// What is asked for, and who is meant by it.
async fn wanted(app: &App, command: &Command<StartRollout>) -> Answered<(NewRollout, Vec<TenantId>)> {
    let offer = app.offers.now(&app.statements).await?;
    let new = NewRollout::of_body(command.body(), &*offer)?;
    if app.backup_bucket.is_none() {
        return Err(Problem::new(Code::BackupsOff).detail(
            "Tenants are backed up before they are upgraded, and S3_BUCKET names no place for backups.",
        ));
    }
    if let Some(problem) = under_way(app).await? {
        return Err(problem);
    }
    let everybody = Selection::default();
    let selection = new.selection.as_ref().unwrap_or(&everybody);
    let named = named(app, selection).await?;
    let tenants = rollouts::selected(&app.statements, new.version(), selection, named).await?;
    Ok((new, tenants))
}

/// Who is named, if only some are. One that cannot be upgraded was named by mistake.
async fn named(app: &App, selection: &Selection) -> Answered<Option<Vec<TenantId>>> {
    let Some(names) = &selection.tenants else { return Ok(None) };
    let (mut ids, mut wrong) = (Vec::new(), Vec::new());
    for (index, named) in rollouts::named(&app.statements, &names.0).await?.into_iter().enumerate() {
        match named {
            Ok(tenant) => ids.push(tenant),
            Err((code, why)) => wrong.push(FieldError::new(Selection::tenant(index), code, why)),
        }
    }
    if wrong.is_empty() { Ok(Some(ids)) } else { Err(Problem::fields(wrong)) }
}

/// What is said while one is.
async fn under_way(app: &App) -> Answered<Option<Problem>> {
    let one = rollouts::under_way(&app.statements).await?;
    Ok(one.map(|id| {
        let detail = format!(
            "Rollout {id} is under way: wait for its end, or call it off (`POST /upgrades/{id}/cancel`)."
        );
        Problem::new(Code::Conflict).detail(detail)
    }))
}
