//! Whether there is something to be copied; and, undone, that nothing is left.

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{ContextOf, Step, StepError},
};

use super::{In, Made, MakeBackup, folder};
use crate::{
    keeping, secrets,
    store::{backups, tenants},
};

pub struct Begin;

#[async_trait]
impl Step<MakeBackup> for Begin {
    fn name(&self) -> &'static str {
        "begin"
    }

    async fn run(&self, context: &ContextOf<'_, MakeBackup>, _: &mut Made) -> Result<(), StepError> {
        may_be_copied(context).await?;
        let (world, folder) = (context.observe(), folder(context)?);
        let path = format!("{}/", world.objects.address(&folder));
        let mut transaction = context.begin().await?;
        secrets::ensure_backup_key(&mut *transaction, &world.keys, context.tenant()).await?;
        backups::begin(&mut *transaction, context.request().backup, &path).await?;
        Ok(transaction.commit().await?)
    }

    async fn undo(&self, context: &ContextOf<'_, MakeBackup>, _: &Made) -> Result<(), StepError> {
        let folder = folder(context)?;
        keeping::remove(context.fenced().await?.objects.as_ref(), &folder).await?;
        let mut transaction = context.begin().await?;
        backups::failed(&mut *transaction, context.request().backup, context.operation()).await?;
        Ok(transaction.commit().await?)
    }
}

/// Somebody's, where it can be had.
async fn may_be_copied(context: &In<'_>) -> Result<(), StepError> {
    context.may_begin().await?;
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if !tenant.is_customer() {
        let detail = format!("This is nobody's data: the tenant is there for `{}`.", tenant.purpose());
        return Err(StepError::failed(Kind::Conflict, detail));
    }
    tenant.home(context.tenant()).map(drop)
}
