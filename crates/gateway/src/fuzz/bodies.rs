//! JSON bodies: of a creation, of a change, of what takes a reason, and of orders for backups, restores and promotions.

use common::{id::PromotionId, version::Version};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::{a_change, hold, shows_a_nul, with_a_byte_changed};
use crate::{
    backups::BackupAsked,
    http::request::Request,
    offer,
    problem::{Code, Problem},
    routes::{OptionalReasonBody, ReasonBody},
    sandboxes::RestoreBody,
    tenants::{NewTenant, Rules, TenantPatch, promoting::PromotionAsked},
};

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(vec!["", "\0", "\u{202e}", "a/b~c", "acme"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A body with the fields of a creation: mostly right ones, some of any kind, some unknown.
fn a_creation() -> impl Strategy<Value = Value> {
    let right = [
        ("name", json!("Acme Ltd")),
        ("email", json!("ada@acme.example")),
        ("subdomain", json!("acme")),
        ("plan", json!("pro")),
        ("mode", json!("dedicated")),
        ("region", json!("eu-central")),
        ("custom_domain", json!("flows.acme.example")),
        ("compliance", json!(["gdpr", "HIPAA"])),
        ("metadata", json!({ "crm": { "id": 7 } })),
        ("n8n_version", json!("2.41.1")),
        ("reason", json!("Because.")),
    ];
    let place = select(right.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
    let name = prop_oneof![6 => place, 1 => any::<String>(), 1 => Just("a/b~c".to_owned())];
    let changes = prop::collection::vec((name, prop::option::weighted(0.8, any_json())), 0..4);
    changes.prop_map(move |changes| {
        let mut body: Map<_, _> =
            right.iter().take(10).map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        for (name, value) in changes {
            match value {
                Some(value) => drop(body.insert(name, value)),
                None => drop(body.remove(&name)),
            }
        }
        body.into()
    })
}

fn a_body() -> impl Strategy<Value = Vec<u8>> {
    let nearly =
        (a_creation(), a_change()).prop_map(|(body, change)| with_a_byte_changed(&body.to_string(), change));
    let reason = any_json().prop_map(|reason| json!({ "reason": reason }).to_string());
    prop_oneof![
        6 => a_creation().prop_map(|body| body.to_string().into_bytes()),
        3 => nearly.prop_map(String::into_bytes),
        2 => reason.prop_map(String::into_bytes),
        1 => any_json().prop_map(|body| body.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..120),
    ]
}

/// Refused for something that is so: no JSON, or fields that are there and wrong, or not there and needed.
fn is_told(problem: &Problem, body: &[u8]) -> Result<(), TestCaseError> {
    let document = serde_json::from_slice::<Value>(body);
    if problem.code() == Code::InvalidJson {
        prop_assert!(document.is_err(), "that is JSON");
        return Ok(());
    }
    prop_assert_eq!(problem.code(), Code::InvalidFields);
    // Nothing at all is read as an object without fields.
    let document = if body.is_empty() { json!({}) } else { document.unwrap_or_default() };
    let errors = serde_json::to_value(problem.errors()).unwrap();
    let errors = errors.as_array().unwrap();
    prop_assert!(!errors.is_empty(), "{problem}");
    for error in errors {
        let pointer = error["pointer"].as_str().unwrap_or("no pointer");
        let missing = error["code"] == "required";
        let found = document.pointer(pointer).is_some_and(|value| !missing || value.is_null());
        let absent = missing && document.is_object() && pointer.matches('/').count() == 1;
        prop_assert!(found || absent, "{error} of {document}");
    }
    Ok(())
}

#[test]
fn a_creation_is_one_or_everything_wrong_with_it_is_told() {
    let offer = offer::sample();
    let rules = Rules { offer: &offer, domain: "flows.example" };
    let accepted = std::cell::Cell::new(0_u32);
    let usual = Version::new(2, 40, 7);
    hold(a_body(), |body| {
        let read = NewTenant::of_body(&body, &rules);
        let (tenant, version) = match read.and_then(|tenant| tenant.version(usual).map(|is| (tenant, is))) {
            Ok(read) => read,
            Err(problem) => return is_told(&problem, &body),
        };
        accepted.set(accepted.get() + 1);
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        prop_assert!(version == usual || told["n8n_version"].as_str() == Some(&version.to_string()));
        let name = tenant.name.as_str();
        prop_assert_eq!(told["name"].as_str().map(str::trim), Some(name));
        prop_assert!((1..=120).contains(&name.chars().count()) && !name.contains(wire::disturbs));
        prop_assert_eq!(told["email"].as_str(), Some(tenant.email.as_str()));
        prop_assert!(tenant.email.as_str().is_ascii() && tenant.email.as_str().matches('@').count() == 1);
        prop_assert!(offer.plan_names().contains(&tenant.plan.as_str()));
        let metadata = tenant.metadata.as_json();
        prop_assert!(metadata.is_object() && metadata.to_string().len() <= 4 * 1024);
        let shown = [format!("{tenant:?}"), metadata.to_string()];
        prop_assert!(!shown.iter().any(|text| shows_a_nul(text)));
        Ok(())
    });
    assert!(accepted.get() > 0, "nothing right among them");
}

#[test]
fn a_change_is_one_or_everything_wrong_with_it_is_told() {
    let offer = offer::sample();
    let rules = Rules { offer: &offer, domain: "flows.example" };
    hold(a_body(), |body| match TenantPatch::of_body(&body, &rules) {
        Ok(patch) => {
            let shown = format!("{patch:?}");
            prop_assert!(!shows_a_nul(&shown));
            Ok(())
        }
        Err(problem) => is_told(&problem, &body),
    });
}

#[test]
fn a_reason_is_one_or_everything_wrong_with_it_is_told() {
    hold(a_body(), |body| {
        match ReasonBody::of_body(&body, &()) {
            Ok(ReasonBody { reason }) => {
                let reason = reason.as_str();
                prop_assert!((1..=500).contains(&reason.chars().count()) && !reason.contains(wire::disturbs));
            }
            Err(problem) => is_told(&problem, &body)?,
        }
        match OptionalReasonBody::of_body(&body, &()) {
            Ok(read) => prop_assert!(read.reason.is_none_or(|reason| !reason.as_str().is_empty())),
            Err(problem) => is_told(&problem, &body)?,
        }
        Ok(())
    });
}

/// A body with some of these fields: mostly of a right value for one of them, some of any kind.
fn an_order(names: &'static str, right: Vec<Value>) -> impl Strategy<Value = Vec<u8>> {
    let name = select(names.split('|').map(str::to_owned).collect::<Vec<_>>());
    let value = prop_oneof![6 => select(right), 1 => any_json()];
    let order = prop::collection::btree_map(name, value, 0..5);
    let order = order.prop_map(|fields| json!(fields).to_string().into_bytes());
    prop_oneof![4 => order, 1 => a_body()]
}

#[test]
fn an_order_for_a_backup_is_one_or_everything_wrong_with_it_is_told() {
    let names = "backup_type|includes_database|includes_workflows|includes_credentials|includes_files|includes_executions|retention_days|reason";
    let right = vec![json!(true), json!(false), json!("manual"), json!(30), json!("Because.")];
    let accepted = std::cell::Cell::new(0_u32);
    hold(an_order(names, right), |body| {
        let read = BackupAsked::of_body(&body, &());
        match read.and_then(|asked| asked.request()) {
            Ok(request) => {
                accepted.set(accepted.get() + 1);
                let includes = request.includes;
                prop_assert!((1..=3_650).contains(&request.retention_days));
                prop_assert!(includes.database || includes.workflows || includes.credentials);
                Ok(())
            }
            Err(problem) => is_told(&problem, &body),
        }
    });
    assert!(accepted.get() > 0, "nothing right among them");
}

#[test]
fn an_order_for_a_restore_is_one_or_everything_wrong_with_it_is_told() {
    let names = "restore_to_sandbox|backup_id|restore_point|include_executions|safety_backup";
    let right = vec![
        json!(true),
        json!(false),
        json!("bak_0198c0de0000700080000000000000dd"),
        json!("2026-08-01T12:00:00Z"),
    ];
    let accepted = std::cell::Cell::new(0_u32);
    hold(an_order(names, right), |body| match RestoreBody::of_body(&body, &()) {
        Ok(order) => {
            accepted.set(accepted.get() + 1);
            let told: Value = serde_json::from_slice(&body).unwrap_or_default();
            prop_assert_eq!(told["restore_to_sandbox"].as_bool(), Some(order.restore_to_sandbox));
            let backup = order.backup_id.map(|id| id.to_string());
            prop_assert_eq!(told["backup_id"].as_str(), backup.as_deref());
            prop_assert!(order.restore_point.is_none_or(|point| point.offset().is_utc()), "{order:?}");
            Ok(())
        }
        Err(problem) => is_told(&problem, &body),
    });
    assert!(accepted.get() > 0, "nothing right among them");
}

#[test]
fn an_order_for_a_promotion_is_one_or_everything_wrong_with_it_is_told() {
    let names = "ttl_minutes|include_executions|reason|window";
    let soon = (common::clock::now() + time::Duration::days(1)).format(&Rfc3339).unwrap_or_default();
    let right = vec![json!(true), json!(false), json!(1), json!(60), json!("Because."), json!(soon)];
    let accepted = std::cell::Cell::new(0_u32);
    hold(an_order(names, right), |body| match PromotionAsked::of_body(&body, &()) {
        Ok(order) => {
            accepted.set(accepted.get() + 1);
            let told: Value = serde_json::from_slice(&body).unwrap_or_default();
            let request = order.request(PromotionId::generate());
            prop_assert_eq!(told["include_executions"].as_bool().unwrap_or(true), request.executions);
            prop_assert_eq!(told["ttl_minutes"].as_u64().unwrap_or(10), u64::from(request.ttl_minutes));
            prop_assert!((1..=60).contains(&request.ttl_minutes));
            prop_assert_eq!(told["window"].is_string(), request.window.is_some());
            Ok(())
        }
        Err(problem) => is_told(&problem, &body),
    });
    assert!(accepted.get() > 0, "nothing right among them");
}
