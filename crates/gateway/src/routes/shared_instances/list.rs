//! `GET /shared-instances`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::{Access, Caller, Role},
    problem::Answered,
    shared_instances::SharedInstanceView,
    store::shared_instances::all,
};

pub enum ReadSharedInstances {}

impl Access for ReadSharedInstances {
    const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
}

/// All of them, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedInstances {
    data: Vec<SharedInstanceView>,
}

/// Lists the n8ns that tenants share, and how full each is.
#[utoipa::path(
    get, path = "/shared-instances", tag = "shared instances",
    security(("token" = ["admin", "operator"])),
    responses(
        (status = 200, body = SharedInstances),
    )
)]
pub async fn list(
    State(app): State<App>,
    _caller: Caller<ReadSharedInstances>,
) -> Answered<Json<SharedInstances>> {
    let instances = all(&app.statements).await?.into_iter();
    let data = instances.map(|instance| SharedInstanceView::new(instance, &app.public)).collect();
    Ok(Json(SharedInstances { data }))
}
