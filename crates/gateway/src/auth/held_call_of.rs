//! The held call that a path names by its receipt, if the caller may know of its tenant.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use uuid::Uuid;

use super::{Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::{
        held::{self, HeldCall},
        tenants::{self, Tenant},
    },
};

impl Target for HeldCall {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let receipt = Path::<Uuid>::from_request_parts(parts, app).await.map_err(|_| absent_call())?.0;
        let call = held::find(&app.statements, receipt).await?.ok_or_else(absent_call)?;
        let tenant: Option<Tenant> = tenants::find(&app.reader(scope), call.tenant).await?;
        app.rates.admit_on(parts, tenant.ok_or_else(absent_call)?.id).await?;
        Ok(call)
    }
}

/// What is said of a call that is not there, and of one of a tenant that the caller may not know of.
pub fn absent_call() -> Problem {
    Problem::new(Code::NotFound)
        .detail("There is no such receipt. One is kept for a week after its call has ended.")
}
