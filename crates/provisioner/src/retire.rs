//! What a tenant had in an n8n that it shared goes, once it has lived in its own for long enough; or what its own left, once it is back in a shared one.

mod own;

pub use own::give_back;

use std::{sync::Arc, time::Duration};

use common::{
    error::Kind,
    id::{OperationId, PromotionId, TenantId},
    operations::{self, Asked, ContextOf, NewOperation, Saga, Step, StepError, Wake},
    role::Role,
    service::{Interval, Round, Tasks},
};
use metrics::{describe_gauge, gauge};
use sqlx::PgPool;
use time::OffsetDateTime;
use wire::kinds::TenantRetire;

use crate::{
    World,
    step::step,
    store::{failovers, promotions},
    workspace,
};

/// They are kept for a day: a minute more is nobody's loss.
const EVERY: Duration = Duration::from_secs(60);

/// So many go in one round.
const AT_ONCE: i64 = 20;

const KEPT: &str = "rp9_promotions_kept";
const OVERDUE: &str = "rp9_promotions_overdue";

/// From what is kept of a tenant where it does not live to nothing.
pub struct RetireTenant;

#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Retired {
    /// Since when executions are let end: there should be none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub draining_since: Option<OffsetDateTime>,
}

impl Saga for RetireTenant {
    type World = World;
    type State = Retired;
    type Request = TenantRetire;

    fn steps(&self, _: &TenantRetire) -> Vec<&dyn Step<Self>> {
        vec![&Retire]
    }
}

step!(/** Nothing of it is left there, and the record says so. */ Retire of RetireTenant, "retire", run retire);

async fn retire(context: &ContextOf<'_, RetireTenant>, state: &mut Retired) -> Result<(), StepError> {
    let TenantRetire { promotion, failover } = *context.request();
    if let Some(failover) = failover {
        own::clear(context).await?;
        let mut transaction = context.begin().await?;
        failovers::retired(&mut *transaction, failover).await?;
        return Ok(transaction.commit().await?);
    }
    match promotion {
        Some(promotion) => retire_promotion(context, promotion, state).await,
        None => Err(StepError::failed(Kind::Internal, "it is not said what goes")),
    }
}

async fn retire_promotion(
    context: &ContextOf<'_, RetireTenant>,
    promotion: PromotionId,
    state: &mut Retired,
) -> Result<(), StepError> {
    if promotions::is_rolled_back(context.database(), promotion).await? {
        own::clear(context).await?;
        let mut transaction = context.begin().await?;
        promotions::retired(&mut *transaction, promotion).await?;
        return Ok(transaction.commit().await?);
    }
    for (kept, part) in workspace::kept(context).await? {
        if kept == promotion {
            workspace::quiet(context, &part, &mut state.draining_since).await?;
            workspace::remove(context, &part).await?;
            let left = workspace::left(context, &part).await?;
            if !left.is_empty() {
                let detail = format!("still there after the removal: {}", left.join(", "));
                return Err(StepError::failed(Kind::Upstream, detail));
            }
            workspace::forget_kept(context, promotion, &part).await?;
        }
    }
    Ok(())
}

/// Sees to it that what is kept goes in time. Every replica asks for it, and each is accepted once.
pub struct Retiring {
    pool: PgPool,
    world: Arc<World>,
    wake: Wake,
}

impl Retiring {
    /// Of this world's cluster.
    pub const fn new(pool: PgPool, world: Arc<World>, wake: Wake) -> Self {
        Self { pool, world, wake }
    }

    /// Does so for as long as the service runs.
    pub fn spawn(self, tasks: &Tasks) {
        describe_gauge!(
            KEPT,
            "Tenants that were promoted or fell back of whom something is kept where they do not live."
        );
        describe_gauge!(OVERDUE, "Those of whom it should be gone.");
        let rounds = Interval::new("promotions", EVERY).from_its_end().spread();
        tasks.every(rounds.failing("what promoted tenants had in shared n8ns is removed later"), self);
    }

    /// One round: how many were accepted.
    pub async fn look(&self) -> Result<usize, sqlx::Error> {
        let mut accepted = 0;
        let cluster = self.world.site.cluster.as_str();
        let [promoted, fallen_back] =
            [promotions::left(&self.pool, cluster).await?, failovers::left(&self.pool, cluster).await?];
        gauge!(KEPT).set((promoted.0 + fallen_back.0) as f64);
        gauge!(OVERDUE).set((promoted.1 + fallen_back.1) as f64);
        let promoted = promotions::overdue(&self.pool, cluster, AT_ONCE).await?.into_iter();
        let promoted = promoted.map(|(promotion, tenant)| (TenantRetire::of_promotion(promotion), tenant));
        let fallen_back = failovers::overdue(&self.pool, cluster, AT_ONCE).await?.into_iter();
        let fallen_back = fallen_back.map(|(failover, tenant)| (TenantRetire::of_failover(failover), tenant));
        for (request, tenant) in promoted.chain(fallen_back) {
            if self.accept(tenant, &request).await? {
                tracing::info!(tenant_id = %tenant, "what is kept of a tenant where it does not live is removed");
                accepted += 1;
            }
        }
        if accepted > 0 {
            self.wake.now();
        }
        Ok(accepted)
    }

    /// `false`: that was accepted before.
    async fn accept(&self, tenant: TenantId, request: &TenantRetire) -> Result<bool, sqlx::Error> {
        let operation = OperationId::generate();
        let correlation_id = operation.to_string();
        let asked = Asked {
            actor: "promotions",
            role: Role::Service,
            correlation_id: &correlation_id,
            traceparent: None,
            reason: Some("What was kept of the tenant where it does not live is of no use any more."),
        };
        operations::accept(&self.pool, &NewOperation::of(operation, &tenant, request, asked), None).await
    }
}

impl Round for Retiring {
    type Error = sqlx::Error;

    async fn run(&mut self) -> Result<(), sqlx::Error> {
        self.look().await.map(drop)
    }
}
