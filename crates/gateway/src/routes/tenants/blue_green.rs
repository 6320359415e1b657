//! `/tenants/{id}/blue-green`

pub mod status;

use axum::{extract::State, response::Response};
use common::operations::Request as _;
use wire::{kinds::TenantBlueGreen, sides::Sides};

use super::operate::{Accepted, is_ours, nothing_to_do, operate};
use crate::{
    app::App,
    auth::{Command, absent},
    commands::{Asked, For},
    idempotency::IdempotencyKey,
    problem::{Answered, Code, Problem},
    store::{operations, sides, tenants::Tenant},
    tenants::turning::{self, TurningAsked},
};

/// What a change of a tenant's sides is asked by.
type Asking = Asked<TurningAsked, For<TenantBlueGreen>, Tenant>;

/// What comes of it.
enum Wanted {
    Do(TenantBlueGreen),
    /// It is so.
    So,
}

/// Makes a second side of a tenant, gives it a share of the calls, lets it serve, or removes it.
///
/// A second side works on the same database and the same queue as the one that serves. It answers calls to webhooks and forms by its share, and has workers
/// to go with that; schedules, other triggers and the editor are the serving side's alone. A swap moves those, with a gap of seconds, while calls to
/// webhooks go on being answered.
///
/// Before a side of a later release is made there is a backup, and the release is tried on it (`pre_backup`): where the release that serves does not
/// start on what it makes of the tables, the two cannot work beside each other, and the operation fails before anything is touched. An earlier release is 409, and
/// so is what does not fit the sides that there are: one that serves, or answers calls, is not removed. What is so already is 200.
#[utoipa::path(
    post, path = "/tenants/{id}/blue-green", tag = "tenants",
    request_body = TurningAsked,
    security(("token" = ["admin", "operator", "service"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = Accepted, description = "It is so already"),
        (status = 202, body = Accepted, headers(("location" = String, description = "The operation"))),
    )
)]
pub async fn blue_green(State(app): State<App>, asking: Asking) -> Answered<Response> {
    let Asked { command, body } = &asking;
    let wanted = match wanted(&app, command, body).await {
        Ok(wanted) => wanted,
        // What was accepted before may be what makes it impossible now.
        Err(problem) => return command.repeat_or(&app.statements, problem).await,
    };
    match wanted {
        Wanted::Do(request) => operate(&app, command, &request, body.reason.as_ref()).await,
        Wanted::So => nothing_to_do(&app, command, command.target(), body.reason.as_ref()).await,
    }
}

async fn wanted(
    app: &App,
    command: &Command<For<TenantBlueGreen>, Tenant>,
    body: &TurningAsked,
) -> Answered<Wanted> {
    is_ours(app, command.target()).await?;
    turning::can_have_two(command.target())?;
    let (reader, tenant) = (app.reader(command.identity().scope()), command.target().id);
    // Asked in this order: the sides are those of a moment at which nothing changed them.
    let open = operations::find_open(&app.statements, tenant, TenantBlueGreen::KIND).await?;
    let sides: Sides = sides::of_tenant(&reader, tenant).await?.ok_or_else(absent)?;
    let Some(request) = body.request(&sides)? else {
        return if sides.second.is_some() { Ok(Wanted::So) } else { Err(alone(&sides)) };
    };
    // Whoever asks for the same again joins it, and who asks for anything else is told that it is not over.
    if open.is_some() {
        return Ok(Wanted::Do(request));
    }
    let (to_be, _) = operations::status_to_be(&app.statements, tenant).await?.ok_or_else(absent)?;
    if !TenantBlueGreen::KIND.from.iter().any(|status| status.as_str() == to_be) {
        return Ok(Wanted::Do(request));
    }
    if sides.are_so(&request) {
        return Ok(Wanted::So);
    }
    turning::obstacle(&sides, &request)?;
    if body.backs_up() && app.backup_bucket.is_none() {
        return Err(Problem::new(Code::BackupsOff).detail(
            "A tenant is backed up before it gets a second side, and S3_BUCKET names no place for backups: say `pre_backup: false` to do without.",
        ));
    }
    Ok(Wanted::Do(request))
}

fn alone(sides: &Sides) -> Problem {
    let (serves, other) = (sides.color, sides.other());
    Problem::new(Code::Conflict).detail(format!("The tenant has no {other} side: {serves} is all there is."))
}
