//! What a tenant that moves into an n8n of its own takes along while it waits, and what is left of it where it lived.

use std::time::Duration;

use e2e::{Api, Customer, eventually, place, slow_workflow, sql};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Longer than n8n keeps an execution in memory that waits, and than it takes to be moved.
const WAITS: u32 = 150;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn what_waits_ends_in_the_tenants_own_n8n_and_nothing_stays_where_it_lived() {
    let api = Api::of_environment();
    let (id, customer) = Customer::moved_in(&api).await;
    let waiting = customer.activate(&slow_workflow("later", WAITS)).await;
    customer.is_answered("/webhook/later").await;
    let (instance, prefix, _) = place(&id);

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

    let digits = id.trim_start_matches("ten_");
    sql(
        "rp9",
        &format!(
            "update promotions set retire_at = now() where replace(tenant_id::text, '-', '') = '{digits}'"
        ),
    );
    eventually("what it had goes", Duration::from_secs(180), async || {
        let retired = api.last_promotion(&id).await["retired_at"].is_string();
        if retired { Ok(()) } else { Err("it is there".to_owned()) }
    })
    .await;
    let left = format!("SELECT count(*) FROM project WHERE id = '{prefix}'");
    assert_eq!(sql(&instance, &left), "0");
    api.delete_tenant(&id).await;
}
