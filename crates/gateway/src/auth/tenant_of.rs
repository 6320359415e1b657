//! The tenant that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::{Access, Caller, Identity, Read, Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::tenants::{self, Known, Tenant},
    tenants::TenantName,
};

/// A caller and the tenant they ask about, or as much of it as is wanted. A foreign tenant is answered exactly as one that does not exist.
#[derive(Debug)]
pub struct TenantOf<A = Read, T = Tenant> {
    caller: Caller<A>,
    pub tenant: T,
}

impl<A, T> TenantOf<A, T> {
    /// Who asks.
    pub fn identity(&self) -> &Identity {
        self.caller.identity()
    }
}

impl<A: Access, T: Known> FromRequestParts<App> for TenantOf<A, T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let tenant = T::find(app, caller.scope(), parts).await?;
        Ok(Self { caller, tenant })
    }
}

impl<T: Known> Target for T {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let Ok(Path(name)) = Path::<String>::from_request_parts(parts, app).await else {
            return Err(absent());
        };
        let found = match TenantName::parse(&name) {
            Some(TenantName::Id(id)) => tenants::find(&app.reader(scope), id).await?,
            Some(TenantName::Subdomain(subdomain)) => {
                tenants::find_by_subdomain(&app.reader(scope), &subdomain).await?
            }
            None => None,
        };
        let tenant: T = found.ok_or_else(absent)?;
        app.rates.admit_on(parts, tenant.id()).await?;
        Ok(tenant)
    }
}

/// What is said of a tenant that is not there, and of one the caller may not know of.
pub fn absent() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such tenant.")
}
