//! Having a backup loaded, as a part of something.

use std::time::Duration;

use common::operations::{Child, Context, StepError, TenantRequest};
use wire::kinds::TenantLoad;

use crate::{World, store::restores};

/// The first time of a release waits for n8n's image and its migrations.
pub const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What became of it. The step names [`TenantLoad`] as its part. What one of those has who shared an n8n is loaded into n8n's tables of that release, which are
/// made here: whoever loads has no engine.
pub async fn load<R: TenantRequest>(
    context: &Context<'_, World, R>,
    asked: &TenantLoad,
) -> Result<Child, StepError> {
    if let Some(release) = restores::release_of_part(context.database(), asked.backup).await? {
        let world = context.fenced().await?;
        world.databases.ensure_template(release, &world.migration(context.database())).await?;
    }
    context.ensure_child(asked).await
}
