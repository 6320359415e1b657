//! `POST /tenants/{id}/custom-domain/verify`

use std::time::Duration;

use axum::{extract::State, response::Response};
use common::clock;
use http::StatusCode;

use super::Data;
use crate::{
    app::App,
    commands::{self, Asked},
    idempotency::{Answer, IdempotencyKey},
    problem::Answered,
    store::{
        steer::{Steering as _, VerifyDomain},
        tenants::{Claim, Detailed},
    },
    tenants::ClaimView,
};

/// So much time lies between two looks.
const PAUSE: Duration = Duration::from_secs(10);

/// Has the name servers asked now whether a tenant's own domain is proven.
///
/// What came of it is shown in `data.custom_domain` of the tenant, usually within seconds; the last look may be ten seconds ago at most. Without a
/// claim it is 409.
#[utoipa::path(
    post, path = "/tenants/{id}/custom-domain/verify", tag = "tenants",
    security(("token" = [], "timestamp" = [], "signature" = [])),
    params(
        ("id" = String, Path, description = "The tenant's id or subdomain"),
        IdempotencyKey,
    ),
    responses(
        (status = 202, body = Data<ClaimView>, headers(("location" = String, description = "The tenant"))),
    )
)]
pub async fn verify_domain(
    State(app): State<App>,
    Asked { command, body: () }: Asked<(), VerifyDomain, Detailed>,
) -> Answered<Response> {
    let Detailed { tenant, claim, .. } = command.target();
    command.exchange().note_tenant(tenant.id);
    let refused = || VerifyDomain::refusal(command.target());
    let claimed = claim.clone().and_then(|claim| ClaimView::of(due(claim), tenant, &app.public));
    let Some(data) = claimed else {
        return command.repeat_or(&app.statements, refused()).await;
    };
    let answer = Answer::json(StatusCode::ACCEPTED, format!("/tenants/{}", tenant.id), &Data { data })?;
    commands::steer(&app, &command, &VerifyDomain, answer).await?.ok_or_else(refused)
}

/// As it is once it was asked for.
fn due(claim: Claim) -> Claim {
    let now = clock::now();
    let earliest = claim.looked_at.map_or(now, |at| now.max(at + PAUSE));
    Claim { look_after: Some(earliest), ..claim }
}
