//! A tenant gets a later release of n8n while it is called, and then a second side, as the playbook says.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use e2e::{
    Called, Command, Playbook, Told, assert_told_well, counted, eventually, labelled, main_of, releases, sql,
};
use serde_json::{Value, json};
use tokio::task::block_in_place;

const FORMER: &str = "2.40.7";
const LATER: &str = "2.41.1";

/// A backup, and n8n started three times, twice of them on a copy: a minute each beside compilers.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// What one worker runs also beside a backup and two starts of n8n: whoever waits for longer than a minute is nobody that an upgrade cut off.
const CALLS_EVERY: Duration = Duration::from_millis(500);

fn to(n8n_version: &str) -> Value {
    json!({ "n8n_version": n8n_version })
}

/// All that it has is what was there before, under its own name.
fn nothing_stands_beside(tenant: &str) {
    let databases =
        sql("postgres", &format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{tenant}')"));
    assert_eq!(databases, tenant);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn a_tenant_that_is_called_gets_a_later_release_and_loses_no_call() {
    let called = Arc::new(Called::running(FORMER).await);
    let (api, id) = (&called.api, &called.id);
    let data = json!({ "name": "X-Key", "value": "hunter2" });
    let credential = json!({ "name": "a key", "type": "httpHeaderAuth", "data": data });
    called.customer.post("/api/v1/credentials", &credential).await.unwrap();
    assert_eq!(releases(id), BTreeSet::from([FORMER.to_owned()]));

    let (calls, began) = (called.is_called_every(CALLS_EVERY), Instant::now());
    is_rolled_out_to(&called).await;
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{:?} in {:?}", counted(&told), began.elapsed());

    let tenant = api.tenant(id).await;
    assert_eq!((&tenant["n8n_version"], &tenant["status"]), (&json!(LATER), &json!("active")), "{tenant:#}");
    assert_eq!(releases(id), BTreeSet::from([LATER.to_owned()]));
    assert_told_well(&told);
    called.each_runs_once(&told).await;
    let kept = "SELECT (SELECT count(*) FROM workflow_entity WHERE active), (SELECT count(*) FROM credentials_entity)";
    assert_eq!(sql(id, kept), "1|1", "active workflows and credentials");
    nothing_stands_beside(id);
    is_backed_up_as_it_was(&called).await;

    let back = api.command(&Command::operate(id, "upgrade", &to(FORMER))).await.unwrap();
    assert_eq!(back.status, 409, "n8n does not go back: {back:?}");
    let again = api.command(&Command::operate(id, "upgrade", &to(LATER))).await.unwrap();
    assert_eq!((again.status, &again.body["already"]), (200, &json!(true)), "{again:?}");
    is_taken_over_by_a_second_side(&called).await;
    api.delete_tenant(id).await;
}

/// Of the same release: how two go together is tried at length. No caller is told to come back.
async fn is_taken_over_by_a_second_side(called: &Arc<Called>) {
    let (playbook, calls) = (Playbook::read("blue-green.md"), called.is_called_every(CALLS_EVERY));
    let variables = [("tenant", called.id.as_str()), ("release", LATER), ("old", "blue"), ("new", "green")];
    let run = |heading: &str| block_in_place(|| playbook.run(heading, &variables));
    run("1. See what it has");
    run("2. Make a side");
    run("3. Let it answer some calls");
    called.both_sides_are_counted().await;
    run("5. The way back");
    let serving = main_of(&called.id);
    run("4. Let it take over");
    assert_ne!(main_of(&called.id), serving);
    run("6. Clear up");
    playbook.is_done();
    let told: Told = calls.end().await.into_iter().collect();
    assert_eq!(counted(&told).into_keys().collect::<Vec<_>>(), ["200"], "{:?}", counted(&told));
    assert!(labelled("container", &called.id).iter().all(|name| name.contains("-green-")));
}

/// To this tenant alone, by whoever runs the platform.
async fn is_rolled_out_to(called: &Called) {
    let (api, id) = (&called.api, &called.id);
    let asked = json!({ "n8n_version": LATER, "selection": { "tenants": [id] }, "concurrency": 5 });
    let started = api.command(&Command::post("/upgrades", &asked)).await.unwrap();
    assert_eq!((started.status, &started.body["tenants"]), (202, &json!(1)), "{started:?}");
    let path = format!("/upgrades/{}", started.body["id"].as_str().unwrap());
    let seen = async || api.get(&path).await.map(|answer| answer.body);
    let operation = eventually("the first wave begins", Duration::from_secs(60), async || {
        let seen = seen().await?;
        let operation = seen["to_look_at"][0]["operation_id"].as_str().map(str::to_owned);
        operation.ok_or_else(|| seen.to_string())
    });
    api.succeeds_within(&operation.await, LIMIT).await;
    let over = eventually("the rollout is over", Duration::from_secs(60), async || {
        let seen = seen().await?;
        if seen["data"]["status"] == "running" { Err(seen.to_string()) } else { Ok(seen) }
    });
    let over = over.await;
    assert_eq!(
        (&over["data"]["status"], &over["data"]["waves"]),
        (&json!("succeeded"), &json!(1)),
        "{over:#}"
    );
    assert_eq!(over["data"]["tenants"]["succeeded"], 1, "{over:#}");
}

/// By the upgrade, before anything was done, in the release of then.
async fn is_backed_up_as_it_was(called: &Called) {
    let list = called.api.get(&format!("/tenants/{}/backups", called.id)).await.unwrap().body;
    let backup = &list["data"][0];
    assert_eq!((&backup["type"], &backup["status"]), (&json!("pre_upgrade"), &json!("verified")), "{list:#}");
    let path = format!("/backups/{}", backup["id"].as_str().unwrap());
    let detail = called.api.get(&path).await.unwrap().body;
    assert_eq!(detail["data"]["manifest"]["n8n_version"], FORMER, "{detail:#}");
}
