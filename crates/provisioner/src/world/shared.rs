//! The n8ns that tenants share, as the platform works in them.

use common::{id::TenantId, operations::StepError};
use n8n::{databases::Name, members::Main};
use secrecy::SecretString;
use sqlx::PgPool;

use super::World;
use crate::{home::Workspace, store::secrets};

impl World {
    /// The n8n of this workspace, whoever runs it.
    pub async fn main_for(&self, record: &PgPool, workspace: &Workspace) -> Result<Main, StepError> {
        if workspace.external {
            return Ok(self.external.get(workspace.instance)?.main.clone());
        }
        self.main_of(record, workspace.instance).await
    }

    /// What the keys of this n8n's users are signed with.
    pub async fn jwt_secret_of(
        &self,
        record: &PgPool,
        instance: TenantId,
    ) -> Result<SecretString, StepError> {
        match self.external.find(instance) {
            Some(admitted) => Ok(admitted.jwt_secret.clone()),
            None => Ok(secrets::open(record, &self.keys, instance).await?.instance.jwt_secret),
        }
    }

    /// Whether anything can be done in it.
    pub fn admits(&self, workspace: &Workspace) -> Result<(), StepError> {
        if workspace.external { self.external.get(workspace.instance).map(drop) } else { Ok(()) }
    }

    /// Where this n8n of the platform's own answers, and what it is shown. Fails with [`common::error::Kind::NotFound`] for one that is not set up.
    pub async fn main_of(&self, record: &PgPool, instance: TenantId) -> Result<Main, StepError> {
        let key = secrets::open_api_key(record, &self.keys, instance).await?;
        Ok(Main { instance: Name::of(instance), address: self.inner.address_of(instance), key })
    }
}
