//! Three tenants before a platform is lost, and after it has come back: `deploy/disaster` runs it (docs/disaster-recovery.md).
//!
//! `disaster before FILE` makes them, fills them, has each backed up, and writes down what they have. `disaster after FILE` sees that they have it,
//! and that each answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on ends here")]

use std::{collections::BTreeMap, fs::File, time::Duration};

use e2e::{Answers, Api, Customer, differing, eventually, fill, fingerprint, webhook_workflow};
use serde_json::json;

const PATH: &str = "/webhook/e2e-disaster";
const PATIENCE: Duration = Duration::from_secs(120);

/// What each tenant has, by table.
type Written = BTreeMap<String, BTreeMap<String, String>>;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let api = Api::of_environment();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["before", file] => {
            let mut written = Written::new();
            for executions in [0, 100, 10_000] {
                let tenant = backed_up(&api, executions).await;
                written.insert(tenant.clone(), fingerprint(&tenant));
            }
            serde_json::to_writer(File::create(file).unwrap(), &written).unwrap();
        }
        ["after", file] => {
            let written: Written = serde_json::from_reader(File::open(file).unwrap()).unwrap();
            for (tenant, then) in &written {
                is_as_it_was(&api, tenant, then).await;
            }
            println!("{} tenants have what they had, and answer", written.len());
        }
        _ => panic!("disaster before|after FILE"),
    }
}

async fn backed_up(api: &Api, executions: u32) -> String {
    let (tenant, customer) = Customer::settled(api, "pro").await;
    customer.activate(&webhook_workflow("e2e-disaster", Answers::WhenFinished)).await;
    answers(&customer).await;
    fill(&tenant, &customer, executions).await;
    let operation = api.operate(&tenant, "backup", &json!({})).await;
    api.succeeds(&operation).await;
    tenant
}

async fn is_as_it_was(api: &Api, tenant: &str, then: &BTreeMap<String, String>) {
    assert_eq!(differing(then, &fingerprint(tenant)), [""; 0], "{tenant}");
    assert_eq!(api.tenant(tenant).await["status"], "active");
    answers(&Customer::of(api, tenant).await).await;
}

async fn answers(customer: &Customer) {
    eventually("the webhook answers", PATIENCE, async || {
        customer.post(PATH, &json!({ "say": "hello" })).await
    })
    .await;
}
