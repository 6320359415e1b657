//! `GET /backups/{id}`

use axum::Json;

use crate::{auth::BackupOf, backups::BackupDetails, problem::Answered, routes::tenants::Data};

/// Shows a backup with what is in it.
#[utoipa::path(
    get, path = "/backups/{id}", tag = "backups",
    security(("token" = [])),
    params(("id" = String, Path, description = "The backup's id")),
    responses(
        (status = 200, body = Data<BackupDetails>),
    )
)]
pub async fn show(BackupOf { backup, .. }: BackupOf) -> Answered<Json<Data<BackupDetails>>> {
    Ok(Json(Data { data: backup.into() }))
}
