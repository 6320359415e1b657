//! Bringing back what a running tenant has lost: the reconciler notices, this saga repairs.

use async_trait::async_trait;
use common::operations::{Context, OperationKind, Saga, Step, StepError};

use crate::{
    World,
    create::{Nothing, bring_up, confirm},
};

/// From whatever there is of an active tenant to all of it.
pub struct HealTenant;

impl Saga for HealTenant {
    type World = World;
    type State = Nothing;
    const KIND: OperationKind = OperationKind::TenantHeal;

    fn steps(&self) -> Vec<&dyn Step<Self>> {
        vec![&Surroundings, &Containers, &Confirm]
    }
}

/// What is brought back is wanted whether or not the rest succeeds: giving up keeps it, and the reconciler looks again.
macro_rules! step {
    ($(#[$doc:meta])* $name:ident, $word:literal, $run:expr) => {
        $(#[$doc])*
        struct $name;

        #[async_trait]
        impl Step<HealTenant> for $name {
            fn name(&self) -> &'static str {
                $word
            }

            async fn run(&self, context: &Context<'_, World>, _: &mut Nothing) -> Result<(), StepError> {
                $run(context).await
            }
        }
    };
}

step!(/** Network with the shared servers in it, and the login in Redis. */ Surroundings, "surroundings", surroundings);
step!(/** Main and workers run, and say that they are ready. */ Containers, "containers", bring_up);
step!(/** The edge reaches it. */ Confirm, "route", confirm);

async fn surroundings(context: &Context<'_, World>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    context.fenced().await?.containers.ensure_network(&blueprint.network).await?;
    let password = &blueprint.secrets.instance.redis_password;
    Ok(context.fenced().await?.queues.ensure_user(tenant, password).await?)
}
