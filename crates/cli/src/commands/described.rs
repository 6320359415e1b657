//! Whether what is shown exists: every column, in the description that the gateway makes of itself.

use serde_json::Value;

use super::{
    audit, backups, dead_letters, health, keys, operations, plans, sandboxes, schedules, shared, tenants,
    top, upgrades, usage,
};
use crate::output::Column;

const DESCRIPTION: &str = include_str!("../../../../deploy/netlify/openapi.json");

/// Each list, and the schema of its entries.
const SHOWN: &[(&[Column], &str)] = &[
    (tenants::list::COLUMNS, "Tenant"),
    (tenants::show::INSTANCES, "Instance"),
    (tenants::promotions::COLUMNS, "Promotion"),
    (tenants::failovers::COLUMNS, "Failover"),
    (tenants::blue_green::COLUMNS, "SideView"),
    (tenants::events::COLUMNS, "Event"),
    (operations::list::COLUMNS, "OperationSummary"),
    (operations::show::STEPS, "Step"),
    (backups::COLUMNS, "Backup"),
    (sandboxes::COLUMNS, "Sandbox"),
    (audit::COLUMNS, "AuditEntry"),
    (keys::COLUMNS, "ApiKey"),
    (shared::COLUMNS, "SharedInstance"),
    (dead_letters::COLUMNS, "DeadLetter"),
    (schedules::COLUMNS, "Schedule"),
    (plans::COLUMNS, "Plan"),
    (health::CLUSTERS, "Cluster"),
    (usage::KINDS, "ExecutionCounts"),
    (usage::PARTS, "UsageInterval"),
    (tenants::candidates::COLUMNS, "PromotionCandidate"),
    (upgrades::COLUMNS, "Rollout"),
    (upgrades::TENANTS, "RolloutTenant"),
    (top::COLUMNS, "TopTenant"),
];

/// Whether a schema, or one of those it is put together from, has what a pointer leads to.
fn has(description: &Value, schema: &Value, names: &[&str]) -> bool {
    let Some((first, rest)) = names.split_first() else { return true };
    if let Some(reference) = schema["$ref"].as_str() {
        return description.pointer(&reference[1..]).is_some_and(|schema| has(description, schema, names));
    }
    let property = schema["properties"].get(*first);
    let parts = ["allOf", "oneOf"].into_iter().filter_map(|kind| schema[kind].as_array()).flatten();
    property.is_some_and(|property| has(description, property, rest))
        || parts.into_iter().any(|part| has(description, part, names))
}

#[test]
fn the_least_that_can_be_scaled_to_is_what_the_api_says() {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    for (name, least) in tenants::scale::LEAST {
        let described = &description["components"]["schemas"]["Scale"]["properties"][name]["minimum"];
        assert_eq!(described.as_f64(), Some(least), "{name}");
    }
}

#[test]
fn every_column_shows_something_that_the_api_describes() {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    for (columns, schema) in SHOWN {
        let entry = &description["components"]["schemas"][*schema];
        assert!(entry.is_object(), "{schema}");
        for pointer in columns.iter().filter_map(Column::pointer) {
            let names: Vec<_> = pointer.split('/').skip(1).collect();
            assert!(has(&description, entry, &names), "{schema} has no {pointer}");
        }
    }
    let entry = &description["components"]["schemas"]["Step"];
    assert!(!has(&description, entry, &["error", "nothing"]), "and what is not described is noticed");
}
