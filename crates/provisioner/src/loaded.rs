//! Having a backup loaded, as a part of something.

use common::operations::{Child, Context, StepError, TenantRequest};
use wire::kinds::TenantLoad;

pub use crate::create::DATABASE_LIMIT as LIMIT;
use crate::{World, store::restores};

/// What became of it. The step names [`TenantLoad`] as its part. What one of those has who shared an n8n is loaded into n8n's tables of that release, which are
/// made here: whoever loads has no engine.
pub async fn load<R: TenantRequest>(
    context: &Context<'_, World, R>,
    asked: &TenantLoad,
) -> Result<Child, StepError> {
    if let Some(release) = restores::release_of_part(context.database(), asked.backup).await? {
        context.fenced().await?.ensure_template(context.database(), release).await?;
    }
    context.ensure_child(asked).await
}
