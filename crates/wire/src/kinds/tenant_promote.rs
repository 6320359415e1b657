//! A tenant moves out of an n8n that it shares into one of its own.

use std::time::Duration;

use common::{
    id::{PromotionId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Window;

/// Of one that shares an n8n.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantPromote {
    /// Under which name the record keeps what becomes of it. Whoever asks draws it.
    pub promotion: PromotionId,
    /// The longest that its callers wait, in minutes: past it the tenant is back where it was.
    #[serde(default = "usual_ttl")]
    pub ttl_minutes: u32,
    /// Whether its executions go along.
    #[serde(default = "super::yes")]
    pub executions: bool,
    /// When it may begin; at once where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

const fn usual_ttl() -> u32 {
    TenantPromote::USUAL_TTL_MINUTES
}

impl TenantPromote {
    /// What is taken where nobody says how long callers may wait. A freeze takes seconds; executions that run are waited for within it.
    pub const USUAL_TTL_MINUTES: u32 = 10;

    /// Nobody's callers wait longer.
    pub const MOST_TTL_MINUTES: u32 = 60;

    /// With what nobody said.
    pub const fn of(promotion: PromotionId) -> Self {
        Self { promotion, ttl_minutes: Self::USUAL_TTL_MINUTES, executions: true, window: None }
    }

    /// As a duration.
    pub const fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl_minutes as u64 * 60)
    }
}

/// Checks a request that came as JSON: nobody waits for ever, and nobody not at all.
fn read(given: &Value) -> Result<Value, String> {
    let kept = read_as::<TenantPromote>(given)?;
    let most = TenantPromote::MOST_TTL_MINUTES;
    match kept.get("ttl_minutes").and_then(Value::as_u64) {
        Some(minutes) if (1..=u64::from(most)).contains(&minutes) => Ok(kept),
        _ => Err(format!("ttl_minutes must be a whole number from 1 to {most}")),
    }
}

impl Request for TenantPromote {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.promote",
        service: "provisioner",
        lane: Lane::Life,
        alone: true,
        single: true,
        from: &[TenantStatus::Active],
        passes: Some(TenantStatus::Migrating),
        // As it was before: one that has an n8n of its own already is active too, and that is not what was asked for.
        ends: None,
        // A backup and two copies. Past it the tenant is where it was.
        deadline: Duration::from_secs(12 * 60 * 60),
        priority: Priority::High,
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_said_is_the_usual() {
        let promotion = PromotionId::generate();
        let read: TenantPromote =
            serde_json::from_value(serde_json::json!({ "promotion": promotion })).unwrap();
        assert_eq!(read, TenantPromote::of(promotion));
    }

    #[test]
    fn nobody_waits_for_ever_and_nobody_not_at_all() {
        let promotion = PromotionId::generate();
        let asked =
            |minutes: u64| read(&serde_json::json!({ "promotion": promotion, "ttl_minutes": minutes }));
        for minutes in [1, 60] {
            assert_eq!(asked(minutes).unwrap()["ttl_minutes"], minutes);
        }
        for minutes in [0, 61, u64::from(u32::MAX), u64::MAX] {
            asked(minutes).unwrap_err();
        }
        assert_eq!(read(&serde_json::json!({ "promotion": promotion })).unwrap()["ttl_minutes"], 10);
    }
}
