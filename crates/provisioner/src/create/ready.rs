//! Waiting until n8n itself says that it is ready.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{Context, Step, StepError, TenantRequest},
};
use engine::{Inventory, Selection, State};
use wire::kinds::TenantCreate;

use super::{
    CreateTenant, Nothing,
    containers::{Renewal, ensure_all},
};
use crate::{World, store::instances, wait};

/// Ready took 4–20 s in all that was measured; three minutes are for a machine that starts a hundred at once.
pub const READY: Duration = Duration::from_secs(180);

/// n8n ends by itself when its database or Redis is away, and is started again. More often than this it will not recover.
const RESTARTS: u64 = 5;

pub struct Ready;

#[async_trait]
impl Step<CreateTenant> for Ready {
    fn name(&self) -> &'static str {
        "ready"
    }

    async fn run(
        &self,
        context: &Context<'_, World, TenantCreate>,
        _: &mut Nothing,
    ) -> Result<(), StepError> {
        bring_up(context, Renewal::All, READY).await
    }
}

/// Makes every container that the rows ask for run, and waits until all are healthy, for so long.
pub async fn bring_up(
    context: &Context<'_, World, impl TenantRequest>,
    renewal: Renewal<'_>,
    limit: Duration,
) -> Result<(), StepError> {
    ensure_all(context, renewal).await?;
    let wanted = instances::of_tenant(context.database(), context.tenant()).await?;
    let names: Vec<_> = wanted.into_iter().map(|instance| instance.name).collect();
    await_ready(context, &names, limit).await
}

/// Waits until these containers are healthy, for so long. One that dies while we wait fails this attempt, and the next one brings it
/// back.
pub async fn await_ready(
    context: &Context<'_, World, impl TenantRequest>,
    names: &[String],
    limit: Duration,
) -> Result<(), StepError> {
    // Asked often: of this tenant's containers and of nobody else's.
    let selection = Selection::of(context.tenant()).containers();
    wait::until(context.stopping(), limit, || async {
        let world = context.observe();
        let inventory = world.containers.observe(&world.site.cluster, selection).await?;
        names.iter().try_for_each(|name| judge(&inventory, name))
    })
    .await
}

fn judge(inventory: &Inventory, name: &str) -> Result<(), StepError> {
    match inventory.find(name) {
        // Before the engine says more, nothing is known of it.
        None if inventory.unknown.contains(name) => {
            Err(StepError::failed(Kind::Timeout, format!("the engine is silent about {name}")))
        }
        None => Err(StepError::failed(Kind::Upstream, format!("{name} has vanished"))),
        Some(seen) if seen.is_ready() => Ok(()),
        Some(seen) if seen.restarts > RESTARTS || matches!(seen.state, State::Exited | State::Removing) => {
            let code = seen.exit_code.map_or("an unknown code".to_owned(), |code| format!("code {code}"));
            let detail = format!("{name} does not stay up: it ended with {code}");
            Err(StepError::failed(Kind::Upstream, detail)
                .with_hint("GET /tenants/{id}/logs shows what it said."))
        }
        Some(_) => Err(StepError::failed(Kind::Timeout, format!("{name} is not ready yet"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_the_engine_is_silent_about_is_waited_for_and_one_that_vanished_is_not() {
        let judged = |inventory: &Inventory| match judge(inventory, "main") {
            Err(StepError::Failed { kind, .. }) => Some(kind),
            Ok(()) | Err(StepError::LeaseLost | StepError::Stopped | StepError::Later(_)) => None,
        };
        let silent = Inventory { unknown: ["main".to_owned()].into(), ..Inventory::default() };
        assert_eq!(judged(&silent), Some(Kind::Timeout));
        assert_eq!(judged(&Inventory::default()), Some(Kind::Upstream));
    }
}
