//! Bringing back what a running tenant has lost: the reconciler notices, this saga repairs.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    error::{Classify, Kind, chain},
    operations::{Context, Saga, Step, StepError, TenantRequest},
    tenant::Purpose,
};
use engine::{Health, NetworkSpec, Observed, Selection, State};
use n8n::{
    databases::{DatabaseError, Name},
    queues::Job,
};
use wire::kinds::{Run, TenantHeal};

use crate::{
    World,
    create::{Nothing, READY, Renewal, bring_up, confirm, seed_owner},
    delete::remove_all,
    role, workspace,
};

/// What hangs does not end by itself, and one that might is cut off no later than a restart of the machine would.
const GRACE: Duration = Duration::from_secs(10);

/// How long one attempt waits for containers to be ready. The next one makes sure again of all that they need: what was taken away
/// while this one waited would otherwise keep them down until the operation's end, and no other heals the tenant meanwhile.
const ATTEMPT: Duration = Duration::from_secs(60);

/// From whatever there is of an active tenant to all of it.
pub struct HealTenant;

impl Saga for HealTenant {
    type World = World;
    type State = Nothing;
    type Request = TenantHeal;

    fn steps(&self, _: &TenantHeal) -> Vec<&dyn Step<Self>> {
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

            async fn run(&self, context: &Context<'_, World, TenantHeal>, _: &mut Nothing) -> Result<(), StepError> {
                $run(context).await
            }
        }
    };
}

step!(/** All that containers need: network, role and login, each as it should be; or who it is in the n8n that it shares. */ Surroundings, "surroundings", begin);
step!(/** Main and workers run, and say that they are ready. */ Containers, "containers", containers);
step!(/** The edge reaches it. */ Confirm, "route", reached);

/// What a container needs may be there and not be as it should be: with another password n8n ends at each start. What tenants of a shared one
/// may do is in its database, and brought to this release's words.
pub async fn surroundings(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let (record, tenant) = (context.database(), context.tenant());
    let blueprint = context.observe().blueprint(record, tenant).await?;
    network(context, &blueprint.network).await?;
    let secrets = &blueprint.secrets.instance;
    role::ensure(context, &blueprint).await?;
    if !has_database(context).await? {
        let gone = if blueprint.tenant.purpose == Purpose::Shared {
            "Its database is gone. Nothing is started without it, and nothing else of it is touched: `rp9 shared rebuild` makes it anew, and brings back whoever lives in it from backups of their own."
        } else {
            "The tenant's database is gone. Nothing is started without it, and nothing else of the tenant is touched: restore it from a backup."
        };
        return Err(StepError::failed(Kind::NotFound, gone));
    }
    if blueprint.tenant.purpose == Purpose::Shared {
        shared_schema(context).await?;
    }
    Ok(context.fenced().await?.queues.ensure_user(tenant, &secrets.redis_password).await?)
}

/// Also its owner, where making it anew was called off before it had one: whoever came first could claim it.
async fn shared_schema(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    let name = Name::of(context.tenant());
    if let Err(DatabaseError::NoOwner(_)) = context.observe().databases.owner_login(&name).await {
        return seed_owner(context).await;
    }
    Ok(context.fenced().await?.databases.ensure_shared_schema(&name).await?)
}

/// It runs again, with all that it needs.
pub async fn bring_back(context: &Context<'_, World, impl TenantRequest>) -> Result<(), StepError> {
    surroundings(context).await?;
    bring_up(context, Renewal::All, READY).await
}

/// Whether the tenant has one. It may be what was lost, and nothing brings it back but a copy of it: containers would end at each start, and say
/// no more than that.
pub async fn has_database(context: &Context<'_, World, impl TenantRequest>) -> Result<bool, StepError> {
    match context.observe().databases.schema(&Name::of(context.tenant())).await {
        Err(DatabaseError::NoDatabase(_)) => Ok(false),
        Err(error) if error.kind().is_transient() => Err(error.into()),
        // What is not understood is n8n's to say.
        Ok(_) | Err(_) => Ok(true),
    }
}

/// One that has an exit and should have none is taken away first, with whoever is in it: to be down is better than to get out.
async fn network(
    context: &Context<'_, World, impl TenantRequest>,
    spec: &NetworkSpec,
) -> Result<(), StepError> {
    let world = context.observe();
    let seen = world.containers.observe(&spec.cluster, Selection::of(context.tenant())).await?;
    let others: Vec<_> = seen.networks.into_iter().filter(|seen| seen.has_exit != spec.has_exit).collect();
    if !others.is_empty() {
        remove_all(context).await?;
    }
    for network in others {
        let network = network.reference();
        context.fenced().await?.containers.remove_network(&network).await?;
    }
    Ok(context.fenced().await?.containers.ensure_network(spec).await?)
}

/// One that rests meanwhile stays down.
async fn begin(context: &Context<'_, World, TenantHeal>) -> Result<(), StepError> {
    context.may_begin().await?;
    match workspace::of(context).await? {
        Some(part) => workspace::restore(context, &part).await,
        None => surroundings(context).await,
    }
}

async fn containers(context: &Context<'_, World, TenantHeal>) -> Result<(), StepError> {
    if workspace::of(context).await?.is_some() {
        return Ok(());
    }
    surroundings(context).await?;
    let TenantHeal { restart, renew, idle, .. } = context.request();
    if !restart.is_empty() || !idle.is_empty() {
        let world = context.observe();
        let selection = Selection::of(context.tenant()).containers();
        let inventory = world.containers.observe(&world.site.cluster, selection).await?;
        let jobs = unless_refused(world.queues.unheld(context.tenant()).await)?;
        let lost = restart.iter().filter_map(|name| inventory.find(name)).filter(|seen| is_lost(seen));
        let same =
            |run: &Run| inventory.find(&run.container).filter(|seen| seen.started_at == run.started_at);
        for seen in lost.chain(idle.iter().filter_map(same)) {
            context.fenced().await?.containers.restart(&seen.reference(), GRACE).await?;
        }
        put_back(context, jobs).await?;
    }
    bring_up(context, Renewal::Only(renew), ATTEMPT).await
}

/// What was given to a connection behind which no worker was, and has not begun, is not lost: it waits again. Whoever was in between taking
/// and holding one of them when these jobs were looked for has begun anew, or holds it by now.
async fn put_back(context: &Context<'_, World, TenantHeal>, mut jobs: Vec<Job>) -> Result<(), StepError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let tenant = context.tenant();
    let executions: Vec<_> = jobs.iter().map(|job| job.execution).collect();
    let unbegun = unless_refused(context.observe().databases.unbegun(&Name::of(tenant), &executions).await)?;
    jobs.retain(|job| unbegun.contains(&job.execution));
    let waiting = unless_refused(context.fenced().await?.queues.put_back(tenant, &jobs).await)?;
    tracing::info!(waiting, "what no worker had begun waits again");
    Ok(())
}

/// A tenant whose queue or tables are not understood, and which may write both, is brought back all the same: without its jobs.
fn unless_refused<T: Default, E: Classify + Into<StepError>>(found: Result<T, E>) -> Result<T, StepError> {
    match found {
        Err(error) if !error.kind().is_transient() => {
            tracing::warn!(error = chain(&error), "what no worker had begun could not be put back");
            Ok(T::default())
        }
        found => found.map_err(Into::into),
    }
}

async fn reached(context: &Context<'_, World, TenantHeal>) -> Result<(), StepError> {
    confirm(context, None).await
}

/// Whether only a new beginning helps. One that was let begin anew by an earlier attempt does not look like this.
fn is_lost(seen: &Observed) -> bool {
    let looping = seen.state == State::Restarting || seen.restarts > 0;
    seen.health == Health::Unhealthy || (looping && !seen.is_ready())
}
