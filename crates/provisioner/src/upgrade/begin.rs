//! Whether it can be upgraded, and how it was before.

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
    tenant::Purpose,
};
use wire::N8N_VERSIONS;

use super::{UpgradeTenant, Upgraded};
use crate::{begin, beside, step::step, store::tenants};

type In<'a> = ContextOf<'a, UpgradeTenant>;

step!(/** It has an n8n of its own, which is older, and nothing stands beside its database. */ pub(super) Begin of UpgradeTenant, "begin", run begin, undo begin::as_before);

async fn begin(context: &In<'_>, state: &mut Upgraded) -> Result<(), StepError> {
    let refused = |detail: String| Err(StepError::failed(Kind::Conflict, detail));
    begin::may_begin_before(context).await?;
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if tenant.purpose != Purpose::Customer {
        return refused("It is no customer's tenant: nothing of it is upgraded.".to_owned());
    }
    let own = tenant.dedicated_in(&context.observe().site.cluster)?;
    begin::has_one_side(&own)?;
    let (is, wanted) = (own.version, context.request().n8n_version);
    if !N8N_VERSIONS.contains(&wanted) {
        return refused(format!("n8n {wanted} is none of the releases that tenants may run."));
    }
    if wanted < is {
        return refused(format!("The tenant runs n8n {is} by now, and n8n does not go back to {wanted}."));
    }
    state.trial.of(is);
    state.sides.get_or_insert(own.sides());
    // Of a restore or an upgrade that ended well, or that a person gave up in its middle.
    beside::clear(context).await
}
