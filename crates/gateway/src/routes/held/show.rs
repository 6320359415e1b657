//! `GET /held/{receipt}`

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequestParts, Path},
};
use http::{HeaderValue, header, request::Parts};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    auth::absent_call,
    problem::{Answered, Code, Problem},
    store::held::{self, HeldCall},
    vocabulary,
};

/// Anybody may ask, as often as they like: so many look at the record at a time, and whoever comes then waits for this long.
const AT_ONCE: usize = 4;
const PATIENCE: Duration = Duration::from_millis(500);
static LOOKING: Semaphore = Semaphore::const_new(AT_ONCE);

/// What became of a call that was held. Whoever has its receipt was told that by the call's answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    #[schema(example = "5f0c1a4e-2b1d-4c4f-9f57-0d6f4a2f9a11")]
    receipt: Uuid,
    /// `dead`: it came to nothing. It is kept, and a person decides whether it is sent again.
    #[schema(value_type = vocabulary::HeldState)]
    state: String,
    #[serde(with = "rfc3339")]
    held_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// What the workflow answered.
    #[schema(value_type = Option<u16>)]
    answer_status: Option<i16>,
}

impl From<HeldCall> for Receipt {
    fn from(call: HeldCall) -> Self {
        let HeldCall { receipt, state, held_at, ended_at, answer_status, .. } = call;
        Self { receipt, state, held_at, ended_at, answer_status }
    }
}

/// The one that the path names, for whoever knows its receipt.
pub struct Shown(HeldCall);

impl FromRequestParts<App> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let receipt = Path::<Uuid>::from_request_parts(parts, app).await.map_err(|_| absent_call())?.0;
        let one = tokio::time::timeout(PATIENCE, LOOKING.acquire()).await;
        let _one = one.map_err(|_| too_many())?.map_err(|_| too_many())?;
        held::find(&app.statements, receipt).await?.ok_or_else(absent_call).map(Self)
    }
}

/// Shows what became of a call that was answered with a receipt.
///
/// For whoever sent it, without a token: nobody guesses a receipt. Until a week after its end.
#[utoipa::path(
    get, path = "/held/{receipt}", tag = "held calls",
    params(("receipt" = String, Path, description = "The receipt")),
    responses(
        (status = 200, body = Receipt),
    )
)]
pub async fn show(Shown(call): Shown) -> Answered<Json<Receipt>> {
    Ok(Json(call.into()))
}

fn too_many() -> Problem {
    Problem::new(Code::Throttled)
        .detail("Too many receipts are asked for at this moment.")
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}
