//! `promotions.scan`: who has outgrown the n8n that they share most urgently is moved in their next night, where that is wanted.

use async_trait::async_trait;
use common::{
    clock,
    id::{OperationId, PromotionId, TenantId},
    operations::{self, NewOperation},
    schedules::{Firing, Job, JobError, Plan, PlanError, zone_or_utc},
};
use sqlx::PgPool;
use time::OffsetDateTime;
use wire::{Window, kinds::TenantPromote};

use super::asked::asked;
use crate::{
    store::{
        candidates::{self, Movable},
        room,
    },
    tenants::{Outgrown, Urgency, outgrown, promoting},
};

/// So many are moved by one scan: each needs the memory of a tenant more, and the copy of one at a time slows its neighbours.
const AT_ONCE: usize = 3;

/// When it may begin, on the tenant's own clocks.
const NIGHT: &str = "0 2 * * *";
const NIGHT_LASTS: time::Duration = time::Duration::hours(3);

/// Looks who has.
pub struct ScanPromotions {
    database: PgPool,
    by_itself: bool,
}

impl ScanPromotions {
    /// What schedules call it.
    pub const NAME: &'static str = "promotions.scan";

    /// `by_itself`: whether they are moved. Else nothing is done.
    pub const fn new(database: PgPool, by_itself: bool) -> Self {
        Self { database, by_itself }
    }

    /// Whether it was accepted: something else may have been done to it meanwhile, or its cluster has no room for it.
    async fn promote(
        &self,
        tenant: TenantId,
        plan: &str,
        window: Window,
        reason: &str,
    ) -> Result<bool, JobError> {
        let wanted = room::wanted(&self.database, plan).await?;
        let Some((wanted, around)) = wanted.zip(room::around(&self.database, tenant).await?) else {
            return Ok(false);
        };
        if promoting::obstacle(plan, &wanted, &around.room).is_some() {
            return Ok(false);
        }
        let request = TenantPromote {
            promotion: PromotionId::generate(),
            ttl_minutes: TenantPromote::USUAL_TTL_MINUTES,
            executions: true,
            window: Some(window),
        };
        let operation = OperationId::generate();
        let correlation_id = operation.to_string();
        let mut new = NewOperation::of(operation, &tenant, &request, asked(&correlation_id, reason));
        new.not_before = Some(window.from);
        Ok(operations::accept(&self.database, &new, None).await?)
    }
}

#[async_trait]
impl Job for ScanPromotions {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, _: &Firing) -> Result<(), JobError> {
        if !self.by_itself {
            return Ok(());
        }
        let now = clock::now();
        for (tenant, outgrown) in urgent(candidates::movable(&self.database).await?) {
            let (id, reason) = (tenant.candidate.id, outgrown.reasons.join(", "));
            let Ok(window) = night(tenant.zone.as_deref(), now) else { continue };
            if self.promote(id, &tenant.candidate.plan, window, &reason).await? {
                tracing::info!(tenant_id = %id, score = outgrown.score, reason, %window, "a tenant is moved out of the n8n that it shares in its next night");
            } else {
                tracing::warn!(tenant_id = %id, score = outgrown.score, reason, "a tenant has outgrown the n8n that it shares, and cannot be moved now");
            }
        }
        Ok(())
    }
}

/// The most urgent first.
fn urgent(tenants: Vec<Movable>) -> Vec<(Movable, Outgrown)> {
    let outgrown = |tenant: Movable| outgrown(&tenant.candidate).map(|outgrown| (tenant, outgrown));
    let mut urgent: Vec<_> = tenants.into_iter().filter_map(outgrown).collect();
    urgent.retain(|(_, outgrown)| outgrown.urgency == Urgency::High);
    urgent.sort_by_key(|(_, outgrown)| std::cmp::Reverse(outgrown.score));
    urgent.truncate(AT_ONCE);
    urgent
}

/// The next that begins, on these clocks.
fn night(zone: Option<&str>, now: OffsetDateTime) -> Result<Window, PlanError> {
    let from = Plan::parse(NIGHT, zone_or_utc(zone))?.next_after(now)?;
    Ok(Window { from, until: Some(from + NIGHT_LASTS) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_that_of_the_tenants_clocks_and_one_that_has_begun_is_over() {
        let now = wire::moment("2026-12-01T01:30:00Z").unwrap();
        for (zone, window) in [
            (None, "2026-12-01T02:00:00Z/2026-12-01T05:00:00Z"),
            (Some("Europe/Berlin"), "2026-12-02T01:00:00Z/2026-12-02T04:00:00Z"),
            (Some("America/New_York"), "2026-12-01T07:00:00Z/2026-12-01T10:00:00Z"),
            (Some("Nowhere/Town"), "2026-12-01T02:00:00Z/2026-12-01T05:00:00Z"),
        ] {
            assert_eq!(night(zone, now).unwrap().to_string(), window, "{zone:?}");
        }
    }
}
