//! What is kept of a tenant where it does not live any more goes.

use std::time::Duration;

use common::{
    id::{OperationId, PromotionId, TenantId},
    operations::{Lane, OperationKind, Priority, Request, read_as},
    role::Role,
    tenant::TenantStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The platform asks for it itself, once there is no way back any more. One of both is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRetire {
    /// What moved it into an n8n of its own, or back from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionId>,
    /// Or what made it fall back into a shared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<OperationId>,
}

impl TenantRetire {
    /// After this promotion, or its end.
    pub const fn of_promotion(promotion: PromotionId) -> Self {
        Self { promotion: Some(promotion), failover: None }
    }

    /// After this failover.
    pub const fn of_failover(failover: OperationId) -> Self {
        Self { promotion: None, failover: Some(failover) }
    }
}

/// Checks a request that came as JSON: one thing goes at a time.
fn read(given: &Value) -> Result<Value, String> {
    let kept = read_as::<TenantRetire>(given)?;
    if kept.get("promotion").is_some() == kept.get("failover").is_some() {
        return Err("either promotion or failover must be there".to_owned());
    }
    Ok(kept)
}

impl Request for TenantRetire {
    type Subject = TenantId;
    const KIND: &'static OperationKind = &OperationKind {
        name: "tenant.retire",
        service: "provisioner",
        // It is done where the tenant does not live: nothing that is done to the tenant waits for it, but what needs the tenant to itself.
        lane: Lane::Copies,
        alone: false,
        single: true,
        from: &[TenantStatus::Active, TenantStatus::Suspended, TenantStatus::Failed],
        passes: None,
        ends: None,
        // It is asked for again and again until it is done.
        deadline: Duration::from_secs(15 * 60),
        priority: Priority::Low,
        // There is nothing to undo: what is gone is gone.
        unwinds: true,
        roles: &[Role::Admin, Role::Operator, Role::Service],
        read,
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_thing_goes_at_a_time() {
        let (promotion, failover) = (PromotionId::generate(), OperationId::generate());
        read(&json!({ "promotion": promotion })).unwrap();
        read(&json!({ "failover": failover })).unwrap();
        read(&json!({})).unwrap_err();
        read(&json!({ "promotion": promotion, "failover": failover })).unwrap_err();
    }
}
