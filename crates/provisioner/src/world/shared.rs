//! The n8ns that tenants share, as the platform works in them.

use common::{id::TenantId, operations::StepError};
use n8n::{databases::Name, members::Main};
use sqlx::PgPool;

use super::World;
use crate::store::secrets;

impl World {
    /// Where this n8n answers, and what it is shown. Fails with [`common::error::Kind::NotFound`] for one that is not set up.
    pub async fn main_of(&self, record: &PgPool, instance: TenantId) -> Result<Main, StepError> {
        let key = secrets::open_api_key(record, &self.keys, instance).await?;
        Ok(Main { instance: Name::of(instance), address: self.inner.address_of(instance), key })
    }
}
