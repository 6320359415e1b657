//! A tenant is scaled, restarted, suspended and resumed while it is called: whatever its n8n accepted runs.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use e2e::{
    Answers, Api, Calls, Command, Customer, docker, eventually, labelled, slow_workflow, tally,
    webhook_workflow,
};
use serde_json::{Value, json};

const PATH: &str = "/webhook/e2e-verbs";
const CALLS_EVERY: Duration = Duration::from_millis(50);
const SLOW: usize = 10;

/// What may have been accepted although nobody was told is apart from what was and what was not.
async fn answer_to(customer: Customer) -> String {
    match customer.call(PATH, &json!({ "say": "hello" })).await {
        Ok(answer) if answer.headers().contains_key("retry-after") => {
            format!("{} later", answer.status().as_u16())
        }
        Ok(answer) => answer.status().as_u16().to_string(),
        Err(_) => "no answer".to_owned(),
    }
}

async fn serves(customer: &Customer) {
    eventually("calls are answered", Duration::from_secs(90), async || {
        let answer = customer.call(PATH, &json!({ "say": "hello" })).await?;
        if answer.status() == 200 { Ok(()) } else { Err(answer.status().to_string()) }
    })
    .await;
}

/// Name, id and beginning of each container.
fn running(tenant: &str) -> BTreeSet<String> {
    let of =
        |name: String| docker(&["inspect", "-f", "{{.Name}} {{.Id}} {{.State.StartedAt}}", &name]).unwrap();
    labelled("container", tenant).into_iter().map(of).collect()
}

fn limits(container: &str) -> String {
    docker(&[
        "inspect",
        "-f",
        "{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.Memory}}",
        container,
    ])
    .unwrap()
}

async fn all_ran(customer: &Customer, workflow: &str, wanted: usize) {
    eventually("whatever was accepted has run", Duration::from_secs(120), async || {
        let ran = customer.succeeded(workflow).await?;
        if ran >= wanted { Ok(()) } else { Err(format!("{ran} of {wanted}")) }
    })
    .await;
}

async fn done(api: &Api, tenant: &str, verb: &str, body: &Value) -> Duration {
    let begun = Instant::now();
    let operation = api.operate(tenant, verb, body).await;
    api.succeeds(&operation).await;
    println!("{verb} {body}: {:.1} s", begun.elapsed().as_secs_f64());
    begun.elapsed()
}

async fn limits_change_live(api: &Api, tenant: &str, main: &str) {
    let (before, had) = (running(tenant), limits(main));
    done(api, tenant, "scale", &json!({ "cpu": 1.5, "memory_mb": 1280 })).await;
    assert_eq!(running(tenant), before, "something was restarted");
    let has = limits(main);
    assert!(has != had && has.ends_with(&(1280_u64 << 20).to_string()), "{had} became {has}");
    let shown = api.tenant(tenant).await;
    assert_eq!((&shown["cpu_cores"], &shown["memory_mb"]), (&json!(1.5), &json!(1280)));
    let again = Command::operate(tenant, "scale", &json!({ "cpu": 1.5 }));
    assert_eq!(api.command(&again).await.unwrap().status, 200, "it is so already");
    let much = Command::operate(tenant, "scale", &json!({ "cpu": 64, "workers": 99 }));
    let refused = api.command(&much).await.unwrap();
    assert_eq!((refused.status, refused.body["errors"].as_array().unwrap().len()), (422, 2), "{refused:?}");
}

async fn a_worker_ends_what_it_runs(api: &Api, tenant: &str, customer: &Customer) {
    let before = running(tenant);
    done(api, tenant, "scale", &json!({ "workers": 2 })).await;
    assert!(running(tenant).is_superset(&before) && running(tenant).len() == 3);
    let slow = customer.activate(&slow_workflow("e2e-slow", 25)).await;
    let call = async || customer.post("/webhook/e2e-slow", &json!({ "say": "slow" })).await;
    eventually("the slow webhook answers", Duration::from_secs(30), call).await;
    for _ in 1..SLOW {
        call().await.unwrap();
    }
    done(api, tenant, "scale", &json!({ "workers": 1 })).await;
    assert_eq!(running(tenant).len(), 2);
    all_ran(customer, &slow, SLOW).await;
}

async fn a_restart_begins_all_anew(api: &Api, tenant: &str, customer: &Customer) {
    let before = running(tenant);
    done(api, tenant, "restart", &json!({ "reason": "To see it." })).await;
    assert!(running(tenant).is_disjoint(&before));
    serves(customer).await;
}

async fn a_suspended_tenant_rests_and_comes_back(api: &Api, tenant: &str, customer: &Customer) {
    done(api, tenant, "suspend", &json!({})).await;
    assert_eq!(api.tenant(tenant).await["status"], "suspended");
    assert_eq!(labelled("container", tenant), [""; 0]);
    let answer = customer.call(PATH, &json!({})).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (503, true));
    let again = api.command(&Command::operate(tenant, "suspend", &json!({}))).await.unwrap();
    assert_eq!((again.status, &again.body["already"]), (200, &json!(true)));
    done(api, tenant, "resume", &json!({})).await;
    assert_eq!(api.tenant(tenant).await["status"], "active");
    serves(customer).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn whatever_is_done_to_a_tenant_what_it_accepted_runs() {
    let api = Api::of_environment();
    let (tenant, customer) = Customer::settled(&api, "starter").await;
    let workflow = customer.activate(&webhook_workflow("e2e-verbs", Answers::WhenQueued)).await;
    serves(&customer).await;
    let main = api.tenant(&tenant).await["container_id"].as_str().unwrap().to_owned();

    let caller = customer.clone();
    let calls = Calls::every(CALLS_EVERY, move |_| answer_to(caller.clone()));
    limits_change_live(&api, &tenant, &main).await;
    a_worker_ends_what_it_runs(&api, &tenant, &customer).await;
    a_restart_begins_all_anew(&api, &tenant, &customer).await;
    a_suspended_tenant_rests_and_comes_back(&api, &tenant, &customer).await;
    let answers = tally(calls.end().await);
    println!("{answers:?}");
    assert!(!answers.contains_key("404"), "{answers:?}");
    all_ran(&customer, &workflow, answers["200"]).await;
    let told = api.get(&format!("/tenants/{tenant}/events?hours=1&limit=200")).await.unwrap();
    let kinds: BTreeSet<_> =
        told.body["data"].as_array().unwrap().iter().map(|e| e["kind"].to_string()).collect();
    for kind in ["audit.tenant.scale", "audit.tenant.restart", "audit.tenant.suspend", "audit.tenant.resume"]
    {
        assert!(kinds.contains(&format!("\"{kind}\"")), "{kind}: {kinds:?}");
    }
    api.delete_tenant(&tenant).await;
}
