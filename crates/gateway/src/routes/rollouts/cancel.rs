//! `POST /upgrades/{id}/cancel`

use axum::{extract::State, response::Response};
use common::id::RolloutId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    routes::reason::OptionalReasonBody,
    store::{rollouts::Rollout, steer::CancelRollout},
    vocabulary,
};

/// A rollout that was called off.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancelledRollout {
    #[schema(value_type = String, example = "rol_0198c0de0000700080000000000000ee")]
    id: RolloutId,
    #[schema(value_type = vocabulary::RolloutStatus)]
    status: &'static str,
}

/// Calls a rollout off.
///
/// Nobody begins any more. Who is under way goes on; `POST /operations/{id}/cancel` calls one of those off. Asking again changes nothing.
#[utoipa::path(
    post, path = "/upgrades/{id}/cancel", tag = "rollouts",
    request_body = Option<OptionalReasonBody>,
    security(("token" = ["admin", "operator"], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The rollout's id"),
        IdempotencyKey,
    ),
    responses(
        (status = 200, body = CancelledRollout),
    )
)]
pub async fn cancel(
    State(app): State<App>,
    Asked { command, body }: Asked<OptionalReasonBody, CancelRollout, Rollout>,
) -> Answered<Response> {
    let cancel = CancelRollout::new(command.target(), body.reason.as_ref());
    let answer = Answer::done(&CancelledRollout { id: command.target().id, status: "cancelled" })?;
    commands::steered(&app, &command, &cancel, answer).await
}
