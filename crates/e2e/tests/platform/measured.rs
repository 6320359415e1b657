//! What runs in a real n8n is counted exactly, by kind, whatever n8n keeps of it and whoever was away meanwhile.

use std::time::Duration;

use e2e::{
    Answers, Api, Customer, Service, called_workflow, calling_workflow, eventually, failing_workflow,
    unsaved, webhook_workflow,
};
use serde_json::json;

const GOOD: usize = 10;
const BAD: usize = 5;
const NESTED: usize = 4;

/// Until that many were answered, each by an execution of its own.
async fn call(customer: &Customer, path: &str, times: usize, answer: u16) {
    let path = format!("/webhook/{path}");
    eventually("the webhook listens", Duration::from_secs(90), async || {
        let status = customer.call(&path, &json!({ "say": "first" })).await?.status().as_u16();
        if status == answer { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    for _ in 1..times {
        assert_eq!(customer.call(&path, &json!({ "say": "hello" })).await.unwrap().status().as_u16(), answer);
    }
}

async fn run_everything(customer: &Customer) {
    let collector = Service::of("metrics-collector");
    let stored = customer.activate(&unsaved(webhook_workflow("measured-good", Answers::WhenFinished))).await;
    call(customer, "measured-good", GOOD, 200).await;
    collector.kill();
    customer.activate(&failing_workflow("measured-bad")).await;
    call(customer, "measured-bad", BAD, 500).await;
    let id = customer.activate(&called_workflow()).await;
    customer.activate(&calling_workflow("measured-nested", &id)).await;
    call(customer, "measured-nested", NESTED, 200).await;
    // Its executions go with it.
    customer.remove(&stored).await;
    collector.start();
}

async fn is_counted(api: &Api, tenant: &str) {
    eventually("everything is counted, once", Duration::from_secs(150), async || {
        let usage = api.get(&format!("/tenants/{tenant}/usage")).await?.body["data"].take();
        let total = &usage["total"];
        let [production, nested] = [&total["production"], &total["sub_workflow"]];
        let counted = json!([
            production["executions"],
            production["succeeded"],
            production["failed"],
            nested["executions"],
            total["manual"]["executions"],
            total["error"]["executions"],
            usage["billable_executions"],
        ]);
        let expected = json!([GOOD + BAD + NESTED, GOOD + NESTED, BAD, NESTED, 0, 0, GOOD + BAD + NESTED]);
        if counted == expected { Ok(()) } else { Err(usage.to_string()) }
    })
    .await;
}

/// Calls until so many were answered by n8n. Whole: of whom hangs up within an answer the edge counts nothing.
async fn looked_at(customer: &Customer, times: u64) {
    for _ in 0..times {
        eventually("n8n answers", Duration::from_secs(120), async || {
            let answer = customer.get("/favicon.ico").send().await.map_err(|e| e.to_string())?;
            let status = answer.status();
            answer.bytes().await.map_err(|e| e.to_string())?;
            if [429, 502, 503, 504].contains(&status.as_u16()) { Err(status.to_string()) } else { Ok(()) }
        })
        .await;
    }
}

/// Exactly so many. What is counted twice after that, the next look finds.
async fn calls_are(api: &Api, tenant: &str, expected: u64) {
    eventually("each call is counted", Duration::from_secs(90), async || {
        let counted = api.get(&format!("/tenants/{tenant}/usage")).await?.body["data"]["api_calls"].take();
        if counted == expected { Ok(()) } else { Err(format!("{counted}, not {expected}")) }
    })
    .await;
}

/// Of a tenant that nobody has called before.
async fn calls_are_counted_over_restarts(api: &Api, customer: &Customer, tenant: &str) {
    let [collector, edge] = ["metrics-collector", "traefik"].map(Service::of);
    looked_at(customer, 20).await;
    calls_are(api, tenant, 20).await;
    collector.kill();
    looked_at(customer, 10).await;
    collector.start();
    calls_are(api, tenant, 30).await;
    // All that it has counted was read; it begins anew, and so does what is read.
    edge.kill();
    edge.start();
    looked_at(customer, 40).await;
    calls_are(api, tenant, 70).await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn what_runs_is_counted_by_kind_whether_it_is_saved_or_gone_with_its_workflow() {
    let api = Api::of_environment();
    let (own, operation) = api.create_tenant("starter").await;
    let (sharing, neighbour) = Customer::moved_in(&api).await;
    api.succeeds(&operation).await;
    let mut customer = Customer::of(&api, &own).await;
    calls_are_counted_over_restarts(&api, &customer, &own).await;
    customer.sign_in(&api, &own).await;
    for who in [&customer, &neighbour] {
        run_everything(who).await;
    }
    for tenant in [&own, &sharing] {
        is_counted(&api, tenant).await;
    }
    eventually("everything of a dedicated tenant is seen", Duration::from_secs(60), async || {
        let metrics = api.get(&format!("/metrics/tenant/{own}")).await?.body;
        let data = &metrics["data"];
        let is_seen = metrics["meta"]["missing"] == json!({})
            && data["cpu_percent"].is_number()
            && data["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 100 << 20)
            && data["workers"] == 1
            && data["queue_depth"] == 0;
        if is_seen { Ok(()) } else { Err(metrics.to_string()) }
    })
    .await;
    // Of who is new sizes are asked for within a minute, and noted every minute.
    eventually("what a dedicated tenant stores is measured", Duration::from_secs(240), async || {
        let usage = api.get(&format!("/tenants/{own}/usage")).await?.body["data"].take();
        let bytes = &usage["storage_bytes_highest"];
        if bytes.as_u64().is_some_and(|bytes| bytes > 1 << 20) { Ok(()) } else { Err(usage.to_string()) }
    })
    .await;
    for tenant in [&own, &sharing] {
        api.delete_tenant(tenant).await;
    }
}
