//! How what a tenant runs comes to rest.

use std::time::Duration;

use common::{
    clock,
    operations::{Context, StepError, TenantRequest, later},
};
use time::OffsetDateTime;

use crate::{
    World,
    delete::remove_containers,
    store::instances::{self, Place},
};

/// How soon the queue is looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So many pauses long whoever answered goes on after callers were led elsewhere.
const ARRIVE: u32 = 2;

/// What was on its way to a process of n8n when callers were led elsewhere. One that is told to stop waits for the executions that it knows of, and
/// answers with an error whoever's it is only just beginning.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Arriving {
    looks: u32,
}

impl Arriving {
    /// All of it has begun. Another step begins to look anew.
    pub fn awaited(&mut self) -> Result<(), StepError> {
        if self.looks == ARRIVE {
            self.looks = 0;
            return Ok(());
        }
        self.looks += 1;
        later(LOOK_EVERY)
    }
}

/// No trigger fires any more. It answers who is waiting before it goes: what was [`Arriving`] is among that.
pub async fn stop_main(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let instances = instances::of_tenant(context.database(), context.tenant()).await?;
    let mains = instances.into_iter().filter(|instance| instance.place == Place::Main);
    remove_containers(context, mains.map(|instance| instance.name)).await
}

/// Waits until what was accepted has run, and no longer than this: whether it has. `since` is kept over the looks.
pub async fn drain(
    context: &Context<'_, World, impl TenantRequest>,
    since: &mut Option<OffsetDateTime>,
    patience: Duration,
) -> Result<bool, StepError> {
    let since = *since.get_or_insert_with(clock::now);
    match context.observe().queues.pending(context.tenant()).await? {
        0 => Ok(true),
        _ if clock::now() - since < patience => later(LOOK_EVERY).map(|()| false),
        running => {
            tracing::warn!(tenant_id = %context.tenant(), executions = running, "executions that do not end are not waited for any longer");
            Ok(false)
        }
    }
}
