//! An n8n that tenants share, whose database is lost: it is made anew and empty, and whoever lives in it comes back from the newest backup of their own.
//!
//! There is no backup of all of it: what its tenants have is in theirs, each sealed with a key of its own (ADR 59). Its own settings are the platform's,
//! and made as they were made first.

use common::{
    error::Kind,
    id::{OperationId, RestoreId},
    operations::{self, Asked, ContextOf, NewOperation, Saga, Step, StepError},
    role::Role,
    tenant::Purpose,
};
use n8n::databases::Name;
use wire::kinds::{TenantRebuild, TenantRestore};

use crate::{
    World,
    begin::may_begin_on_containers,
    create::{DATABASE_LIMIT, Nothing, ensure_database, ensure_queue, seed_owner},
    delete::remove_all,
    heal,
    step::step,
    store::{rebuilds, tenants},
};

/// From an n8n without a database to an empty one, of which each tenant's restore is asked for.
pub struct RebuildTenant;

impl Saga for RebuildTenant {
    type World = World;
    type State = Nothing;
    type Request = TenantRebuild;

    fn steps(&self, _: &TenantRebuild) -> Vec<&dyn Step<Self>> {
        vec![&Begin, &Stop, &Database, &Queue, &Owner, &Start, &Members]
    }
}

type In<'a> = ContextOf<'a, RebuildTenant>;

// Whatever of it is made is wanted whether or not the rest succeeds: asked for again, it goes on from there.
step!(/** It is an n8n that tenants share, and has no database, or nothing in it. */ Begin of RebuildTenant, "begin", run begin);
step!(/** Nothing of it runs. */ Stop of RebuildTenant, "stop", run stop);
step!(/** It has a database of its release, in which nobody is, and numbers executions after those that there were. */ Database of RebuildTenant, "database", run database, limit DATABASE_LIMIT);
step!(/** Nothing waits for it that is of what was lost. */ Queue of RebuildTenant, "queue", run queue);
step!(/** It belongs to the platform, which has its key to it, and keeps tenants apart. */ Owner of RebuildTenant, "owner", run owner);
step!(/** It runs, and says that it is ready. */ Start of RebuildTenant, "start", run start);
step!(/** Of everybody who lives in it the newest backup is going to be restored. */ Members of RebuildTenant, "members", run members);

async fn begin(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    let refused = |detail: &str| Err(StepError::failed(Kind::Conflict, detail));
    may_begin_on_containers(context).await?;
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    if tenant.purpose != Purpose::Shared {
        return refused("It is no n8n that tenants share: it is restored from a backup of its own.");
    }
    // Of one that was called off after it made a database nothing is lost by beginning again.
    if heal::has_database(context).await? {
        let has = context.observe().databases.final_state(&Name::of(context.tenant())).await?;
        if has.workflows + has.credentials + has.executions > 0 {
            return refused(
                "Its database is there, with what its tenants have in it: nothing of it is made anew.",
            );
        }
    }
    Ok(())
}

async fn stop(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    remove_all(context).await
}

/// Who comes back has executions under their numbers. None of these are drawn meanwhile by those who are back already.
async fn database(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    ensure_database(context).await?;
    let after = rebuilds::numbers(context.database(), context.tenant()).await?;
    Ok(context.fenced().await?.moves.number_after(&Name::of(context.tenant()), after).await?)
}

async fn queue(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    context.fenced().await?.queues.remove(context.tenant()).await?;
    ensure_queue(context).await
}

async fn owner(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    seed_owner(context).await
}

async fn start(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    heal::bring_back(context).await
}

/// Each is an operation of its own, whose end is its tenant's affair. Repeated, only those are asked for that were not.
async fn members(context: &In<'_>, _: &mut Nothing) -> Result<(), StepError> {
    let (record, instance) = (context.database(), context.tenant());
    let (mut restored, mut without_backup) = (0, 0);
    for (tenant, backup) in rebuilds::members(record, instance, context.operation()).await? {
        let Some(backup) = backup else {
            tracing::warn!(tenant_id = %tenant, instance = %instance, "a tenant of an n8n that was made anew has no backup: what it had there is gone");
            without_backup += 1;
            continue;
        };
        let request =
            TenantRestore { restore: RestoreId::generate(), backup, executions: true, safety_backup: false };
        let (operation, correlation_id) = (OperationId::generate(), context.operation().to_string());
        let asked = Asked {
            actor: "rebuild",
            role: Role::Service,
            correlation_id: &correlation_id,
            traceparent: None,
            reason: Some("The n8n that it shares lost its database and was made anew."),
        };
        let new = NewOperation::of(operation, &tenant, &request, asked);
        let mut transaction = context.begin().await?;
        if operations::accept(&mut *transaction, &new, None).await? {
            transaction.commit().await?;
            restored += 1;
        } else {
            tracing::warn!(tenant_id = %tenant, instance = %instance, "something else is done to a tenant of an n8n that was made anew: its backup has to be restored by hand");
        }
    }
    tracing::info!(instance = %instance, restored, without_backup, "an n8n that tenants share was made anew");
    Ok(())
}
