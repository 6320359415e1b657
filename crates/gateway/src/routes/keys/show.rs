//! `GET /keys/{id}`

use axum::Json;

use crate::{auth::KeyOf, problem::Answered, routes::tenants::Data, store::keys::ApiKey};

/// Shows a key, but not what proves it.
#[utoipa::path(
    get, path = "/keys/{id}", tag = "keys",
    security(("token" = [])),
    params(("id" = String, Path, description = "The key's id")),
    responses(
        (status = 200, body = Data<ApiKey>),
    )
)]
pub async fn show(of: KeyOf) -> Answered<Json<Data<ApiKey>>> {
    Ok(Json(Data { data: of.0 }))
}
