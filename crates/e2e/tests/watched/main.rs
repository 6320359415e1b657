//! What is watched, and how people are told. It comes after everything else, when most of what a platform tells has been there for a while.
//!
//! Whether Prometheus has what dashboards and rules ask for: each query of a dashboard has an answer, and each series that a rule or a dashboard
//! names is there with the labels that are asked of it. What is there only once something went wrong is listed, with why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod alerts;
mod asked;
mod prometheus;
mod rare;

use std::{sync::Mutex, time::Duration};

use e2e::{Answers, Api, Customer, eventually, webhook_workflow};
use serde_json::json;

use asked::{Query, Selector, of_dashboards, selectors};
use prometheus::Prometheus;

/// Budgets are recorded every five minutes, and what tenants take of the servers they share is measured as often.
const THERE_WITHIN: Duration = Duration::from_secs(660);

/// Somebody who does something: the first tenant, called by a webhook and backed up, and its host.
async fn somebody(api: &Api) -> (String, Customer, String) {
    let (tenant, customer) = Customer::of_the_first_tenant(api).await;
    customer.activate(&webhook_workflow("e2e-shown", Answers::WhenQueued)).await;
    let backup = api.operate(&tenant, "backup", &json!({})).await;
    api.succeeds(&backup).await;
    let host = customer.get("/").build().unwrap().url().host_str().unwrap().to_owned();
    (tenant, customer, host)
}

/// What is wrong with a selector, if anything is.
async fn trouble(prometheus: &Prometheus, selector: &Selector) -> Option<String> {
    let found = prometheus.labels_of(&selector.text).await;
    if !found.is_empty() {
        let lacking = selector.labels.iter().find(|label| !found.iter().any(|names| names.contains(*label)));
        return lacking.map(|label| format!("{}: no series has {label}", selector.text));
    }
    if rare::reason(&selector.written).is_none() {
        return Some(format!("{}: there is no such series", selector.text));
    }
    let others = prometheus.labels_of(&selector.name).await;
    let known = !others.is_empty() || prometheus.knows(&selector.name).await || rare::is_told(&selector.name);
    if !known {
        return Some(format!("{}: nobody tells {}", selector.text, selector.name));
    }
    let named = selector.matched.iter().chain(&selector.labels);
    let lacking =
        named.filter(|_| !others.is_empty()).find(|label| !others.iter().any(|names| names.contains(*label)));
    lacking.map(|label| format!("{}: no series of {} has {label}", selector.text, selector.name))
}

/// What is wrong with a query: those of its selectors, or that it has no answer although they have.
async fn troubles(prometheus: &Prometheus, query: &Query) -> Vec<String> {
    let mut found = Vec::new();
    let selectors = selectors(query);
    for selector in &selectors {
        found.extend(trouble(prometheus, selector).await);
    }
    let may_be_empty =
        query.is_rule || selectors.iter().any(|selector| rare::reason(&selector.written).is_some());
    if found.is_empty() && !may_be_empty {
        found.extend(prometheus.answer(query).await.err());
    }
    found.into_iter().map(|what| format!("{}: {what}", query.place)).collect()
}

/// Asks until every query is answered, those again that were not.
async fn all_are_answered(prometheus: &Prometheus, queries: Vec<Query>, customer: &Customer) {
    let left = Mutex::new(queries);
    eventually("everything that is asked for is there", THERE_WITHIN, async || {
        // Rates are of calls that go on.
        let _ = customer.post("/webhook/e2e-shown", &json!({ "say": "hello" })).await;
        let (queries, mut wrong, mut again) =
            (std::mem::take(&mut *left.lock().unwrap()), Vec::new(), Vec::new());
        for query in queries {
            let found = troubles(prometheus, &query).await;
            if !found.is_empty() {
                again.push(query);
                wrong.extend(found);
            }
        }
        *left.lock().unwrap() = again;
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn everything_that_dashboards_and_rules_ask_for_is_there() {
    let api = Api::of_environment();
    let prometheus = Prometheus::of_environment();
    let (tenant, customer, host) = somebody(&api).await;
    let mut queries = of_dashboards(&tenant, &host);
    assert!(queries.len() > 100, "{}", queries.len());
    let rules = prometheus.rules().await;
    assert!(rules.len() > 60, "{}", rules.len());
    queries.extend(rules);
    let unused = rare::unused(&queries);
    assert_eq!(unused, Vec::<&str>::new(), "nobody asks for these: take them out of the list");
    all_are_answered(&prometheus, queries, &customer).await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn what_nobody_tells_is_noticed() {
    let _ = Api::of_environment();
    let prometheus = Prometheus::of_environment();
    let planted = Query { place: "planted".into(), ..Query::default() };
    for (promql, complaint) in [
        ("sum(rp9_tenants_totl)", "there is no such series"),
        (r#"rp9_tenants_total{mode="shard"}"#, "there is no such series"),
        ("sum by (tenant) (rp9_tenants_total)", "no series has tenant"),
        ("max(rp9_tenants_unhealthy) > 1e9", "it has no answer"),
    ] {
        let query = Query { promql: promql.into(), ..planted.clone() };
        let found = troubles(&prometheus, &query).await;
        assert!(found.iter().any(|what| what.contains(complaint)), "{promql}: {found:?}");
    }
    let legend = Query { promql: "max by (job) (up)".into(), legend: vec!["instance".into()], ..planted };
    assert!(troubles(&prometheus, &legend).await[0].contains("its legend"), "by a label that is gone");
}
