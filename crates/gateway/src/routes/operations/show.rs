//! `GET /operations/{id}`

use axum::Json;

use crate::{
    auth::OperationOf, operations::OperationView, problem::Answered, routes::tenants::Data,
    store::operations::Journaled,
};

/// Shows an operation with every step.
#[utoipa::path(
    get, path = "/operations/{id}", tag = "operations",
    security(("token" = [])),
    params(("id" = String, Path, description = "The operation's id")),
    responses(
        (status = 200, body = Data<OperationView>),
    )
)]
pub async fn show(of: OperationOf<Journaled>) -> Answered<Json<Data<OperationView>>> {
    let role = of.identity().role();
    let Journaled { operation, journal } = of.operation;
    Ok(Json(Data { data: OperationView::new(operation, &journal, role) }))
}
