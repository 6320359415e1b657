//! `GET /upgrades/{id}`

use axum::{
    Json,
    extract::{FromRequestParts, State},
};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::ReadRollouts;
use crate::{
    app::App,
    auth::{Caller, Target as _},
    problem::{Answered, Problem},
    store::rollouts::{Rollout, RolloutTenant, to_look_at},
};

/// A rollout, and whom it is with.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolloutAnswer {
    data: Rollout,
    /// Who is under way, has failed, was passed over, or has to wait because something else is done to them: the first 200. Who waits and who was upgraded is counted.
    to_look_at: Vec<RolloutTenant>,
}

/// The one that the path names, for those who may see it.
pub struct Shown(Rollout);

impl FromRequestParts<App> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::<ReadRollouts>::from_request_parts(parts, app).await?;
        Rollout::find(app, caller.scope(), parts).await.map(Self)
    }
}

/// Shows how far a rollout is.
#[utoipa::path(
    get, path = "/upgrades/{id}", tag = "rollouts",
    security(("token" = ["admin", "operator"])),
    params(("id" = String, Path, description = "The rollout's id")),
    responses(
        (status = 200, body = RolloutAnswer),
    )
)]
pub async fn show(State(app): State<App>, Shown(rollout): Shown) -> Answered<Json<RolloutAnswer>> {
    let to_look_at = to_look_at(&app.statements, rollout.id).await?;
    Ok(Json(RolloutAnswer { data: rollout, to_look_at }))
}
