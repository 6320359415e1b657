//! What is told of a tenant beside what it is: how large it may become, and what is being done to it.

use serde_json::Value;

use crate::{
    api::{Api, Request, with_query},
    output::{Notes, plain},
};

/// Statuses of operations that have not ended.
const OPEN: [&str; 4] = ["queued", "running", "undoing", "stuck"];
/// What is open is among the newest.
const LATEST: u32 = 20;

/// Asked for beside the tenant; what cannot be had is left out.
#[derive(Debug, Default)]
pub struct Beside {
    /// What its plan lets it be scaled to.
    pub ceilings: Value,
    /// Its operations that have not ended, the oldest first.
    pub operations: Vec<Value>,
}

impl Beside {
    /// Asks.
    pub async fn of(api: &Api, notes: &Notes, tenant: &Value) -> Self {
        let (id, plan) = (plain(tenant.get("id")), tenant.get("plan"));
        let latest = [("tenant", Some(id)), ("limit", Some(LATEST.to_string()))];
        let latest = with_query("/operations", &latest);
        let (plans, operations) = tokio::join!(entries(api, notes, "/plans"), entries(api, notes, &latest));
        let plan = plans.into_iter().find(|offered| offered.get("name") == plan);
        let ceilings = plan.map(|mut plan| plan["ceilings"].take()).unwrap_or_default();
        let open =
            |operation: &Value| operation["status"].as_str().is_some_and(|status| OPEN.contains(&status));
        Self { ceilings, operations: operations.into_iter().filter(open).rev().collect() }
    }

    /// What is being done to it, in words.
    pub fn under_way(&self) -> Option<String> {
        let told = |operation: &Value| {
            let of = |name| plain(operation.get(name));
            format!("{} {}: {}", of("kind"), of("id"), of("status"))
        };
        let told: Vec<_> = self.operations.iter().map(told).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Somebody may see the tenant and not this.
async fn entries(api: &Api, notes: &Notes, target: &str) -> Vec<Value> {
    match api.send(&Request::get(target)).await {
        Ok(answer) => {
            let document = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            document["data"].as_array().cloned().unwrap_or_default()
        }
        Err(failure) => {
            notes.detail(&failure.lines().join(" "));
            Vec::new()
        }
    }
}
