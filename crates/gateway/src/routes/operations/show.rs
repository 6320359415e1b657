//! `GET /operations/{id}`

use axum::{Json, extract::State};

use crate::{
    app::App, auth::OperationOf, operations::OperationView, problem::Answered, routes::tenants::Data,
    store::operations::journal,
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
pub async fn show(State(app): State<App>, of: OperationOf) -> Answered<Json<Data<OperationView>>> {
    let journal = journal(&app.reader(of.identity().scope()), &of.operation).await?;
    Ok(Json(Data { data: OperationView::new(of.operation, &journal) }))
}
