//! What a tenant that moves into an n8n of its own takes along while it waits, and what is left of it where it lived.

use std::time::Duration;

use e2e::{Api, Customer, eventually, slow_workflow, sql};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Longer than n8n keeps an execution in memory that waits, and than it takes to be moved.
const WAITS: u32 = 150;

async fn promotion(api: &Api, tenant: &str) -> Value {
    let list = api.get(&format!("/tenants/{tenant}/promotions")).await.unwrap();
    list.body["data"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn what_waits_ends_in_the_tenants_own_n8n_and_nothing_stays_where_it_lived() {
    let api = Api::of_environment();
    let (id, customer) = Customer::moved_in(&api).await;
    let waiting = customer.activate(&slow_workflow("later", WAITS)).await;
    eventually("it waits", Duration::from_secs(60), async || {
        let answer = customer.call("/webhook/later", &json!({})).await?;
        if answer.status() == 200 { Ok(()) } else { Err(answer.status().to_string()) }
    })
    .await;
    let digits = id.trim_start_matches("ten_");
    let whose = format!("replace(t.id::text, '-', '') = '{digits}'");
    let place = format!("select t.shared_instance || ' ' || t.shared_project from tenants t where {whose}");
    let place = sql("rp9", &place);
    let (instance, prefix) = place.split_once(' ').unwrap();
    let instance = format!("ten_{}", instance.replace('-', ""));

    let operation = api.operate(&id, "promote", &json!({})).await;
    api.succeeds_within(&operation, LIMIT).await;
    let mut owner = Customer::of(&api, &id).await;
    owner.sign_in(&api, &id).await;
    let limit = Duration::from_secs(u64::from(WAITS) + 120);
    eventually("what waited has ended", limit, async || match owner.succeeded(&waiting).await? {
        1 => Ok(()),
        ended => Err(format!("{ended} have")),
    })
    .await;
    let there =
        format!("SELECT string_agg(status, ' ') FROM execution_entity WHERE \"workflowId\" = '{waiting}'");
    assert_eq!(sql(&instance, &there), "canceled", "it did not go on there as well");

    sql(
        "rp9",
        &format!(
            "update promotions p set retire_at = now() from tenants t where t.id = p.tenant_id and {whose}"
        ),
    );
    eventually("what it had goes", Duration::from_secs(180), async || {
        let retired = promotion(&api, &id).await["retired_at"].is_string();
        if retired { Ok(()) } else { Err("it is there".to_owned()) }
    })
    .await;
    let left = format!("SELECT count(*) FROM project WHERE id = '{prefix}'");
    assert_eq!(sql(&instance, &left), "0");
    api.delete_tenant(&id).await;
}
