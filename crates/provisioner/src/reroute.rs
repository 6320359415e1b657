//! Making a tenant's addresses what the record has for it, wherever they lead at present.

use common::{
    operations::{Context, Saga, Step, StepError, TenantRequest},
    tenant::TenantStatus,
};
use edge::StandIn;
use wire::kinds::TenantReroute;

use crate::{
    World, begin,
    create::{Nothing, publish},
    delete::confirm_gone,
    step::step,
};

/// From a tenant to the same one under other addresses.
pub struct RerouteTenant;

impl Saga for RerouteTenant {
    type World = World;
    type State = Nothing;
    type Request = TenantReroute;

    fn steps(&self, _: &TenantReroute) -> Vec<&dyn Step<Self>> {
        vec![&Route]
    }
}

step!(/** The edge answers on its addresses, and on no other. What is right stays, whatever becomes of the rest. */ Route of RerouteTenant, "route", run route);

async fn route(context: &Context<'_, World, impl TenantRequest>, _: &mut Nothing) -> Result<(), StepError> {
    context.may_begin().await?;
    let former = edge::routes::hosts(context.database(), context.tenant()).await?;
    let rests = begin::is(context, TenantStatus::Suspended).await?;
    publish(context, rests.then_some(StandIn::Suspended)).await?;
    let kept = edge::routes::hosts(context.database(), context.tenant()).await?;
    confirm_gone(context, former.into_iter().filter(|host| !kept.contains(host))).await
}
