//! `GET /backups/{id}/contents`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use wire::{AskContents, Kept, Listing};

use super::extract::asked;
use crate::{app::App, auth::BackupOf, problem::Answered, routes::tenants::Data};

/// What can be taken out of a backup one by one.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupContents {
    /// In the order of their ids, 5,000 at most. Null: the backup was made without them.
    workflows: Option<Vec<KeptWorkflow>>,
    credentials: Option<Vec<KeptCredential>>,
    /// There are more of either than are shown.
    truncated: bool,
}

/// A workflow in a backup.
#[derive(Debug, Serialize, ToSchema)]
struct KeptWorkflow {
    #[schema(example = "tVFLTjgdV6Bmrqke")]
    id: String,
    name: String,
    /// Whether it was when the backup was made.
    active: bool,
}

/// A credential in a backup.
#[derive(Debug, Serialize, ToSchema)]
struct KeptCredential {
    #[schema(example = "vPLqMNSc3rXbTgDH")]
    id: String,
    name: String,
    #[schema(example = "httpBasicAuth")]
    r#type: String,
}

/// Shows which workflows and credentials a backup has.
///
/// They are read from the store, to their last byte. One that is damaged is told as 409.
#[utoipa::path(
    get, path = "/backups/{id}/contents", tag = "backups",
    security(("token" = [])),
    params(("id" = String, Path, description = "The backup's id")),
    responses(
        (status = 200, body = Data<BackupContents>),
    )
)]
pub async fn contents(
    State(app): State<App>,
    BackupOf { backup, .. }: BackupOf,
) -> Answered<Json<Data<BackupContents>>> {
    let asked = asked(&backup)?;
    let question = AskContents { backup: asked.backup, cluster: asked.cluster };
    let there = app.bus.request(&question).await?;
    let listings = [&there.workflows, &there.credentials];
    let truncated = listings.into_iter().flatten().any(|listing| listing.truncated);
    let workflows = there.workflows.map(|listing| each(listing, workflow));
    let credentials = there.credentials.map(|listing| each(listing, credential));
    Ok(Json(Data { data: BackupContents { workflows, credentials, truncated } }))
}

fn each<T>(listing: Listing, of: fn(Kept) -> T) -> Vec<T> {
    listing.kept.into_iter().map(of).collect()
}

fn workflow(Kept { id, name, active, .. }: Kept) -> KeptWorkflow {
    KeptWorkflow { id, name, active }
}

fn credential(Kept { id, name, credential_type: r#type, .. }: Kept) -> KeptCredential {
    KeptCredential { id, name, r#type }
}
