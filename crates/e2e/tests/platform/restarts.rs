//! While parts of the platform restart, a tenant's callers are told to come back, and never that there is nothing.

use std::time::Duration;

use common::config::{Env, Section};
use e2e::{Answers, Api, Calls, Customer, Service, docker, eventually, tally, webhook_workflow};
use serde_json::json;

const PATH: &str = "/webhook/e2e-restarts";

/// What n8n itself says, without a `Retry-After`, between listening and being ready: nobody can see that before a call does.
const N8N_STARTS: &str = "Database is not ready!";

/// What somebody who wants to be sure has more of (`just restarts`).
struct Wanted {
    /// How often each part restarts.
    rounds: usize,
    /// More than the tenant's workers run make each call wait for all that came before, for ever longer.
    calls_a_second: u32,
}

impl Section for Wanted {
    fn read(env: &mut Env) -> Option<Self> {
        let (rounds, calls) = (env.or("E2E_ROUNDS", 1), env.or("E2E_CALLS_A_SECOND", 10));
        Some(Self { rounds: rounds?, calls_a_second: calls?.max(1) })
    }
}

/// The edge's page says when to come back; a 503 that does not is told with what it says.
async fn answer_to(customer: Customer) -> String {
    match customer.call(PATH, &json!({ "say": "hello" })).await {
        Ok(answer) if answer.status() == 503 && !answer.headers().contains_key("retry-after") => {
            format!("503 without Retry-After: {:.80}", answer.text().await.unwrap_or_default())
        }
        Ok(answer) => answer.status().as_u16().to_string(),
        Err(_) => "no answer".to_owned(),
    }
}

async fn serves_again(customer: &Customer, what: &str) {
    eventually(&format!("calls are answered after {what}"), Duration::from_secs(90), async || {
        let answer = customer.call(PATH, &json!({ "say": "hello" })).await?;
        if answer.status() == 200 { Ok(()) } else { Err(answer.status().to_string()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn nobody_is_told_that_an_existing_tenant_is_not_there() {
    let (api, wanted): (_, Wanted) = (Api::of_environment(), Env::of_process().load().unwrap());
    let (tenant, customer) = Customer::of_the_first_tenant(&api).await;
    customer.activate(&webhook_workflow("e2e-restarts", Answers::WhenFinished)).await;
    serves_again(&customer, "it was switched on").await;
    let main = api.tenant(&tenant).await["container_id"].as_str().unwrap().to_owned();

    let caller = customer.clone();
    let pause = Duration::from_secs(1) / wanted.calls_a_second;
    let calls = Calls::every(pause, move |_| answer_to(caller.clone()));
    for _ in 0..wanted.rounds {
        docker(&["restart", &main]).unwrap();
        serves_again(&customer, "a restart of the main").await;
        for part in ["redis", "traefik", "gateway"] {
            Service::of(part).restart();
            serves_again(&customer, &format!("a restart of {part}")).await;
        }
    }
    let answers = tally(calls.end().await);
    println!("{answers:?}");
    assert!(!answers.contains_key("404"), "{answers:?}");
    let kept_off = ["503", "202"].into_iter().any(|told| answers.contains_key(told));
    assert!(kept_off, "nobody was told to come back, or that the call is held: {answers:?}");
    let unsaid = answers.keys().filter(|answer| answer.contains("without Retry-After"));
    assert!(unsaid.into_iter().all(|answer| answer.contains(N8N_STARTS)), "{answers:?}");
}
