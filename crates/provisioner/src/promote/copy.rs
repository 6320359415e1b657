//! What it has is copied from the shared n8n's database into its own: once while it works on, to see that it can be, and once more when nothing changes it.

use std::time::Duration;

use common::{
    error::Kind,
    operations::{ContextOf, StepError},
};
use n8n::{
    account::OwnerId,
    copies::{Keys, Moved, Moving, NewOwner, Sharing},
    databases::Name,
    members::ActiveWorkflow,
};

use super::{PromoteTenant, Promoted, begin::lived, freeze};
use crate::{
    create::{owner_names, seed_key},
    delete::remove_containers,
    role,
    step::step,
    store::{rests, secrets},
};

/// The first database of a version waits for n8n's image and its migrations; and a copy takes as long as reading all of it.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// Starting n8n takes seconds; an engine may have to fetch the image first.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

type In<'a> = ContextOf<'a, PromoteTenant>;

step!(/** What it has now is in a database of its own, whole, and opens with a key of its own. */ pub(super) FirstCopy of PromoteTenant, "copy", run first_copy, undo remove, limit LIMIT);
step!(/** n8n starts on that. */ pub(super) Rehearse of PromoteTenant, "rehearse", run rehearse, undo stop_rehearsing, limit TIMEOUT * 2);
step!(/** What it had when nothing changed it any more is in that database, with the same workflows active. */ pub(super) LastCopy of PromoteTenant, "last_copy", run last_copy, limit LIMIT);

async fn first_copy(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let (record, name) = (context.database(), Name::of(context.tenant()));
    let blueprint = context.observe().blueprint(record, context.tenant()).await?;
    let version = blueprint.home.version;
    context.fenced().await?.ensure_template(record, version).await?;
    role::ensure(context, &blueprint).await?;
    // Whatever was in it is gone.
    context.fenced().await?.databases.remove_database(&name).await?;
    context.fenced().await?.databases.ensure_database(&name, &name, version).await?;
    state.moved = copy(context, state, None).await?;
    let Moved { counts, unopened, rows } = state.moved;
    tracing::info!(tenant_id = %context.tenant(), workflows = counts.workflows, credentials = counts.credentials, unopened, rows, "what a tenant has was copied into a database of its own");
    Ok(())
}

async fn last_copy(context: &In<'_>, state: &mut Promoted) -> Result<(), StepError> {
    let rest = rests::find(context.database(), context.tenant()).await?;
    let active = rest.map(|rest| rest.workflows).unwrap_or_default();
    let left = freeze::left(context, state)?;
    let copied = tokio::time::timeout(left, copy(context, state, Some(active))).await;
    state.moved = copied.map_err(|_| freeze::too_long(context))??;
    state.copied = true;
    Ok(())
}

/// With what is to be active it is the last one, which takes the place of the first.
async fn copy(
    context: &In<'_>,
    state: &Promoted,
    active: Option<Vec<ActiveWorkflow>>,
) -> Result<Moved, StepError> {
    let (record, tenant, world) = (context.database(), context.tenant(), context.observe());
    let (shared, name) = (lived(context, state)?, Name::of(tenant));
    let blueprint = world.blueprint(record, tenant).await?;
    let keys = Keys {
        from: secrets::encryption_key(record, &world.keys, shared.instance).await?,
        to: blueprint.secrets.instance.encryption_key.clone(),
    };
    let (first_name, last_name) = owner_names(&blueprint.tenant.name);
    let owner = NewOwner { email: blueprint.tenant.email.clone(), first_name, last_name };
    let moving = Moving {
        sharing: Sharing { place: shared.place.clone(), keys },
        executions: context.request().executions,
        owner,
        again: active.is_some(),
        active: active.unwrap_or_default(),
    };
    let moved = context.fenced().await?.moves.fill(&shared.database(), &name, &moving).await?;
    seed_key(context, &blueprint, OwnerId(shared.place.user.0)).await?;
    Ok(moved)
}

async fn remove(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    let name = Name::of(context.tenant());
    context.fenced().await?.databases.remove_database(&name).await?;
    Ok(context.fenced().await?.databases.remove_role(&name).await?)
}

async fn rehearse(context: &In<'_>, _: &mut Promoted) -> Result<(), StepError> {
    let spec = context.observe().blueprint(context.database(), context.tenant()).await?.trial();
    let started = context.fenced().await?.containers.run_once(&spec, TIMEOUT).await?;
    if started.exit_code == 0 {
        return Ok(());
    }
    tracing::warn!(tenant_id = %context.tenant(), logs = started.logs_tail, "n8n does not start on what a tenant has");
    let detail = format!(
        "n8n ends with code {} on a copy of what the tenant has. Nothing of the tenant was touched.",
        started.exit_code
    );
    Err(StepError::failed(Kind::Upstream, detail)
        .with_hint("The provisioner's log has the end of what it said."))
}

/// One that was begun and whose end nobody waited for.
async fn stop_rehearsing(context: &In<'_>, _: &Promoted) -> Result<(), StepError> {
    let spec = context.observe().blueprint(context.database(), context.tenant()).await?.trial();
    remove_containers(context, [spec.name]).await
}
