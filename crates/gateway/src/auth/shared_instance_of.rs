//! The n8n that a path names, of those that tenants share.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::{Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::shared_instances::{self, SharedInstance},
    tenants::TenantName,
};

impl Target for SharedInstance {
    /// Roles that see only customers do not get here.
    async fn find(app: &App, _: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await;
        let name = name.map_err(|_| absent_shared_instance())?;
        let found = match TenantName::parse(&name) {
            Some(TenantName::Id(id)) => shared_instances::find(&app.statements, id).await?,
            Some(TenantName::Subdomain(name)) => {
                shared_instances::find_by_name(&app.statements, &name).await?
            }
            None => None,
        };
        let instance = found.ok_or_else(absent_shared_instance)?;
        app.rates.admit_on(parts, instance.id).await?;
        Ok(instance)
    }
}

/// What is said of one that is not there.
pub fn absent_shared_instance() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such n8n that tenants share.")
}
