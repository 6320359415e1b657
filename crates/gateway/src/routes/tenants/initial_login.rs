//! `GET /tenants/{id}/initial-login`

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use common::{bus::BusError, error::Kind};
use http::header;
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;
use wire::AskInitialLogin;

use super::Data;
use crate::{
    app::App,
    audit::Entry,
    auth::{Access, Role, TenantOf},
    exchange::Exchange,
    problem::{Answered, Code, Problem},
    store::audit,
    tenants::nobody_signs_in,
};

pub enum ReadInitialLogin {}

impl Access for ReadInitialLogin {
    const ROLES: &'static [Role] = Role::ALL;
    const ACTION: Option<&'static str> = Some(ACTION);
}

const ACTION: &str = "tenant.initial_login";

/// What the owner signs in with for the first time. Neither stored nor logged here.
#[derive(Serialize, ToSchema)]
pub struct InitialLogin {
    #[schema(example = "ada@acme.example")]
    email: String,
    password: String,
    /// The owner has changed the password since, so that nobody gets in with it any more.
    stale: bool,
}

/// Shows what the tenant's owner signs in with for the first time.
///
/// Every look is in the audit log before it is answered. Once it is `stale`, `reset-login` makes a new password.
#[utoipa::path(
    get, path = "/tenants/{id}/initial-login", tag = "tenants",
    security(("token" = [])),
    params(("id" = String, Path, description = "The tenant's id or subdomain")),
    responses(
        (status = 200, body = Data<InitialLogin>),
    )
)]
pub async fn initial_login(
    State(app): State<App>,
    of: TenantOf<ReadInitialLogin>,
    Extension(exchange): Extension<Exchange>,
) -> Answered<Response> {
    if of.tenant.the_platforms_own {
        return Err(nobody_signs_in());
    }
    let asked =
        app.bus.request(&AskInitialLogin { tenant: of.tenant.id, cluster: of.tenant.cluster() }).await;
    let login = asked.map_err(refusal)?;
    let entry = Entry::new(&exchange, of.identity(), ACTION, "shown".to_owned());
    audit::insert(&app.statements, &[entry]).await?;
    Ok(told(login).into_response())
}

/// Nobody between us and the caller may keep it.
pub fn told(login: wire::InitialLogin) -> impl IntoResponse {
    let password = login.password.expose_secret().to_owned();
    let answer = Json(Data { data: InitialLogin { email: login.email, password, stale: login.stale } });
    ([(header::CACHE_CONTROL, "no-store")], answer)
}

fn refusal(error: BusError) -> Problem {
    if matches!(error, BusError::Remote { kind: Kind::NotFound, .. }) {
        return Problem::new(Code::NotFound).detail("This tenant has no initial login, or not yet.");
    }
    error.into()
}
