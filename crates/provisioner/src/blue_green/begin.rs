//! Whether the sides can become what is asked for, and how they were before.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
    tenant::Purpose,
};
use wire::kinds::TenantBlueGreen;

use super::{BlueGreenTenant, Turned};
use crate::{begin::may_begin_on_containers, beside, step::step, store::tenants};

type In<'a> = ContextOf<'a, BlueGreenTenant>;

step!(/** It has the sides that this begins from, and nothing stands beside its database. */ pub(super) Begin of BlueGreenTenant, "begin", run begin);

async fn begin(context: &In<'_>, state: &mut Turned) -> Result<(), StepError> {
    may_begin_on_containers(context).await?;
    let refused = |detail: String| Err(StepError::failed(Kind::Conflict, detail));
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if tenant.purpose != Purpose::Customer {
        return refused("It is no customer's tenant: it has one side.".to_owned());
    }
    let sides = tenant.dedicated_in(&context.observe().site.cluster)?.sides();
    if let Some(detail) = sides.obstacle(context.request()) {
        return refused(detail);
    }
    state.former.get_or_insert(sides);
    if matches!(context.request(), TenantBlueGreen::Create { pre_backup: true, .. }) {
        state.trial.of(sides.version);
        // Of a restore or an upgrade that ended well, or that a person gave up in its middle.
        return beside::clear(context).await;
    }
    Ok(())
}
