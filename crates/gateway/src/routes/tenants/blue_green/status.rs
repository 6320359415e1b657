//! `GET /tenants/{id}/blue-green/status`

use axum::{Json, extract::State};

use crate::{
    app::App,
    auth::{TenantOf, absent},
    problem::Answered,
    routes::tenants::Data,
    store::{
        sides,
        tenants::{self, Detailed},
    },
    tenants::{sides_view::SidesView, turning},
};

/// Shows both sides of a tenant: what each runs, how it is, its share of the calls, and how it answered within the last five minutes.
///
/// What cannot be told is null, and `missing` says why: never zero. Calls are compared while both sides answer some; they are those to webhooks and
/// forms then.
#[utoipa::path(
    get, path = "/tenants/{id}/blue-green/status", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain")),
    responses(
        (status = 200, body = Data<SidesView>),
    )
)]
pub async fn blue_green_status(State(app): State<App>, of: TenantOf) -> Answered<Json<Data<SidesView>>> {
    turning::has_sides(&of.tenant)?;
    let reader = app.reader(of.identity().scope());
    let detailed: Detailed = tenants::find(&reader, of.tenant.id).await?.ok_or_else(absent)?;
    let sides = sides::of_tenant(&reader, of.tenant.id).await?.ok_or_else(absent)?;
    let counted = sides::lately(&reader, of.tenant.id).await?;
    Ok(Json(Data { data: SidesView::of(&sides, &detailed.instances, &counted) }))
}
