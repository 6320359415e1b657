//! All of it is read back from the store.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{ContextOf, Step, StepError},
};

use super::{Made, MakeBackup, folder, write::LIMIT};
use crate::{
    check::{Expected, check},
    secrets,
    store::backups,
};

pub struct Verify;

#[async_trait]
impl Step<MakeBackup> for Verify {
    fn name(&self) -> &'static str {
        "verify"
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    async fn run(&self, context: &ContextOf<'_, MakeBackup>, _: &mut Made) -> Result<(), StepError> {
        let (world, tenant, backup) = (context.observe(), context.tenant(), context.request().backup);
        let sha256 = backups::manifest_sha256(context.database(), backup).await?;
        let sha256 = sha256.ok_or_else(|| StepError::failed(Kind::Internal, "the backup was not written"))?;
        let key = secrets::backup_key(context.database(), &world.keys, tenant).await?;
        let folder = folder(context)?;
        let expected = Expected { tenant, backup, folder: &folder, manifest_sha256: &sha256, key: &key };
        check(world.objects.as_ref(), world.copies.as_ref(), &expected).await?;
        let mut transaction = context.begin().await?;
        backups::verified(&mut *transaction, backup).await?;
        Ok(transaction.commit().await?)
    }
}
