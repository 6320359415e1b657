//! A tenant that shares an n8n, from the beginning to the end, beside another who notices nothing of it.

use std::time::{Duration, Instant};

use e2e::{
    Answers, Api, Command, Customer, eventually, holds_calls, labelled, place, slow_workflow, sql,
    webhook_workflow,
};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// A tenant with somebody who has signed in.
struct Resident {
    id: String,
    customer: Customer,
}

impl Resident {
    async fn of(api: &Api) -> Self {
        let (id, customer) = Customer::moved_in(api).await;
        Self { id, customer }
    }

    /// Whether a call to this path is answered by this one's own workflow.
    async fn answers(&self, path: &str, what: &str) {
        eventually(what, Duration::from_secs(60), async || self.says(path).await).await;
    }

    async fn says(&self, path: &str) -> Result<(), String> {
        let answer = self.customer.call(path, &json!({ "say": self.id })).await?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| e.to_string())?;
        if status == 200 && text.contains(&self.id) { Ok(()) } else { Err(format!("{status}: {text}")) }
    }

    async fn status_of(&self, path: &str) -> u16 {
        self.customer.call(path, &json!({ "say": self.id })).await.unwrap().status().as_u16()
    }
}

async fn done(api: &Api, tenant: &str, verb: &str) -> Duration {
    let begun = Instant::now();
    let operation = api.operate(tenant, verb, &json!({})).await;
    api.succeeds(&operation).await;
    begun.elapsed()
}

/// How many rows of each table are not this user's, and what they are together: rows that only count time apart.
fn others(instance: &str, prefix: &str, user: &str) -> String {
    let statement = format!(
        r#"select string_agg(x::text, ';' order by x::text) from (
             select 'workflow', w.id::text, w.active::text, w."activeVersionId" from workflow_entity w join shared_workflow s on s."workflowId" = w.id
              where s."projectId" <> '{prefix}'
             union all select 'user', id::text, disabled::text, password from "user" where id <> '{user}'
             union all select 'project', id, name, type from project where id <> '{prefix}'
             union all select 'key', id, "userId"::text, "apiKey" from user_api_keys where "userId" <> '{user}'
             union all select 'webhook', "webhookPath", method, "workflowId" from webhook_entity where "webhookPath" not like '{prefix}/%'
             union all select 'tenant', project_id, suspended::text, concurrent::text from rp9.tenant where project_id <> '{prefix}') x"#
    );
    sql(instance, &statement)
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn one_lives_in_a_shared_n8n_from_the_beginning_to_the_end() {
    let api = Api::of_environment();
    let (one, two) = tokio::join!(Resident::of(&api), Resident::of(&api));
    let shown = api.tenant(&one.id).await;
    assert_eq!(shown["mode"], "shared", "{shown}");
    assert_eq!(labelled("container", &one.id), [""; 0]);
    // The same path, and each is answered by its own.
    let workflow = one.customer.activate(&webhook_workflow("orders", Answers::WhenFinished)).await;
    one.customer.activate(&webhook_workflow("second", Answers::WhenFinished)).await;
    let resting = one.customer.activate(&webhook_workflow("resting", Answers::WhenFinished)).await;
    let off = format!("/api/v1/workflows/{resting}/deactivate");
    one.customer.post(&off, &json!({})).await.unwrap();
    two.customer.activate(&webhook_workflow("orders", Answers::WhenFinished)).await;
    for resident in [&one, &two] {
        resident.answers("/webhook/orders", "its own workflow answers").await;
    }
    let (instance, prefix, user) = place(&one.id);
    one.answers(&format!("/webhook/{prefix}/orders"), "as the editor shows it").await;
    assert_eq!(two.status_of(&format!("/webhook/{prefix}/orders")).await, 404, "not on another's address");

    let noted = others(&instance, &prefix, &user);
    rests_and_comes_back(&api, &one, &two).await;
    assert_eq!(others(&instance, &prefix, &user), noted, "what is somebody else's is as it was");
    what_needs_containers_is_refused(&api, &one.id).await;
    let list = one.customer.read(&format!("/api/v1/executions?workflowId={workflow}&limit=5")).await.unwrap();
    assert!(list["data"].as_array().unwrap().len() >= 2, "{list}");

    // Something is running when it goes.
    one.customer.activate(&slow_workflow("slow", 4)).await;
    one.answers_soon("/webhook/slow").await;
    let before = others(&instance, &prefix, &user);
    let begun = Instant::now();
    api.delete_tenant(&one.id).await;
    eprintln!("deleted in {:?}", begun.elapsed());
    assert_eq!(others(&instance, &prefix, &user), before, "what is somebody else's is as it was");
    let left = format!(
        r#"select (select count(*) from "user" where id = '{user}') + (select count(*) from project where id = '{prefix}')
            + (select count(*) from shared_workflow where "projectId" = '{prefix}')
            + (select count(*) from webhook_entity where "webhookPath" like '{prefix}/%')
            + (select count(*) from workflow_entity where id = '{workflow}')
            + (select count(*) from execution_entity where "workflowId" = '{workflow}')"#
    );
    assert_eq!(sql(&instance, &left).trim(), "0");
    assert_eq!(one.status_of("/webhook/orders").await, 404);
    two.says("/webhook/orders").await.unwrap();
    api.delete_tenant(&two.id).await;
}

impl Resident {
    /// It is accepted, whatever becomes of it.
    async fn answers_soon(&self, path: &str) {
        eventually("a slow one begins", Duration::from_secs(30), async || match self.status_of(path).await {
            200 => Ok(()),
            status => Err(status.to_string()),
        })
        .await;
    }
}

/// On another plan it is kept; returns its receipt.
async fn held_by_its_plan(one: &Resident) -> String {
    let digits = one.id.trim_start_matches("ten_");
    let plan = |plan: &str| {
        sql(
            "rp9",
            &format!("update tenants set plan = '{plan}' where replace(id::text, '-', '') = '{digits}'"),
        )
    };
    plan("pro");
    let answer = one.customer.call("/webhook/orders", &json!({})).await.unwrap();
    plan("starter");
    assert_eq!(answer.status(), 202);
    answer.headers()["x-rp9-receipt"].to_str().unwrap().to_owned()
}

async fn rests_and_comes_back(api: &Api, one: &Resident, two: &Resident) {
    let rested = done(api, &one.id, "suspend").await;
    let answer = one.customer.call("/webhook/orders", &json!({})).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"300".parse().unwrap()));
    let key = one.customer.with_key(&one.customer, Method::GET, "/api/v1/workflows").send().await.unwrap();
    assert_eq!(key.status(), 503);
    two.says("/webhook/orders").await.unwrap();
    let again = api.command(&Command::operate(&one.id, "suspend", &json!({}))).await.unwrap();
    assert_eq!((again.status, &again.body["already"]), (200, &json!(true)), "{again:?}");
    let receipt = if holds_calls() { Some(held_by_its_plan(one).await) } else { None };

    let resumed = done(api, &one.id, "resume").await;
    eprintln!("suspended in {rested:?}, resumed in {resumed:?}");
    if let Some(receipt) = receipt {
        eventually("what was held runs", Duration::from_secs(30), async || {
            let held = api.get(&format!("/held/{receipt}")).await.unwrap().body;
            let ran = (&held["state"], &held["answer_status"]) == (&json!("delivered"), &json!(200));
            if ran { Ok(()) } else { Err(held.to_string()) }
        })
        .await;
    }
    for path in ["/webhook/orders", "/webhook/second"] {
        one.says(path).await.unwrap();
    }
    assert_eq!(one.status_of("/webhook/resting").await, 404, "what was not active is not active");
}

async fn what_needs_containers_is_refused(api: &Api, tenant: &str) {
    for (verb, body) in [("restart", json!({})), ("scale", json!({ "workers": 2 }))] {
        let refused = api.command(&Command::operate(tenant, verb, &body)).await.unwrap();
        assert_eq!(refused.status, 422, "{verb}: {refused:?}");
    }
    let logs = api.get(&format!("/tenants/{tenant}/logs")).await.unwrap();
    assert!((400..500).contains(&logs.status), "{logs:?}");
}

/// The figures that are promised: ten at once are made within three seconds each, and gone within five.
#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn ten_at_once_are_made_and_removed() {
    let api = Api::of_environment();
    let made = join_all((0..10).map(async |_| {
        let begun = Instant::now();
        let (tenant, operation) = api.create_sharing("starter").await;
        api.succeeds(&operation).await;
        (tenant, begun.elapsed())
    }))
    .await;
    let removed = join_all(made.iter().map(async |(tenant, _)| {
        let begun = Instant::now();
        api.delete_tenant(tenant).await;
        begun.elapsed()
    }))
    .await;
    let slowest = |times: Vec<Duration>| times.into_iter().max().unwrap();
    eprintln!(
        "ten at once: the slowest was made in {:?}, and removed in {:?}",
        slowest(made.iter().map(|(_, time)| *time).collect()),
        slowest(removed)
    );
    let listed = api.get("/tenants?status=active&limit=100").await.unwrap().body;
    let left: Vec<&Value> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| made.iter().any(|(id, _)| t["id"] == **id))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
