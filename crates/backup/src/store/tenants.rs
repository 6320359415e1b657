//! Whose data is copied.

use common::{
    error::Kind,
    id::TenantId,
    operations::StepError,
    tenant::{Mode, Purpose},
};
use n8n::{account::UserId, databases::Name, members::Place};
use sqlx::PgExecutor;
use uuid::Uuid;

/// What is to be known of a tenant to copy its data.
#[derive(sqlx::FromRow)]
pub struct Tenant {
    mode: String,
    purpose: String,
    /// Of the n8n that it is in.
    pub n8n_version: String,
    shared_instance: Option<String>,
    shared_project: Option<String>,
    shared_user: Option<Uuid>,
    /// Whether that n8n is somebody else's.
    shared_external: bool,
}

/// Where a tenant's data is.
pub enum Home {
    /// A database of its own.
    Own(Name),
    /// Its part of an n8n that it shares.
    Part(Part),
}

/// A part of an n8n that tenants share.
pub struct Part {
    /// The n8n, which is a tenant itself.
    pub instance: TenantId,
    pub place: Place,
}

impl Tenant {
    /// What it is there for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Whether it is somebody's.
    pub fn is_customer(&self) -> bool {
        Purpose::of_record(&self.purpose).is_customer()
    }

    /// Fails for one of which there is nothing to be copied from here.
    pub fn home(&self, tenant: TenantId) -> Result<Home, StepError> {
        if self.mode == Mode::Dedicated.as_str() {
            return Ok(Home::Own(Name::of(tenant)));
        }
        let refused = |detail| StepError::failed(Kind::Conflict, detail);
        if self.shared_external {
            return Err(refused(
                "The tenant shares an n8n that somebody else runs: whoever does backs up its database.",
            ));
        }
        let part = self.part().ok_or_else(|| refused("The tenant is in no n8n yet."))?;
        part.ok_or_else(|| StepError::failed(Kind::Internal, "the tenant's part of an n8n cannot be read"))
            .map(Home::Part)
    }

    /// `Some(None)`: what the record has is none.
    fn part(&self) -> Option<Option<Part>> {
        let (instance, project) = (self.shared_instance.as_ref()?, self.shared_project.as_ref()?);
        let user = UserId(self.shared_user?);
        let part = instance.parse().ok().zip(project.parse().ok());
        Some(part.map(|(instance, project)| Part {
            instance: TenantId::from_uuid(instance),
            place: Place { user, project },
        }))
    }
}

/// Which is it?
pub async fn get(executor: impl PgExecutor<'_>, tenant: TenantId) -> Result<Tenant, sqlx::Error> {
    let get = "select t.mode, t.purpose, coalesce(s.n8n_version, t.n8n_version) as n8n_version, t.shared_instance, t.shared_project, t.shared_user,
                      exists (select from external_n8ns x where x.tenant_id = s.id) as shared_external
                 from tenants t left join tenants s on s.id::text = t.shared_instance where t.id = $1";
    sqlx::query_as(get).bind(tenant).fetch_one(executor).await
}
