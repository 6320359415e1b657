//! A later release beside the former one, under calls: one that goes well, ones whose new side dies at each of its shares, and step by step by hand.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use e2e::{Called, Told, counted, docker, eventually, labelled, releases};
use serde_json::{Value, json};

const FORMER: &str = "2.40.7";
const LATER: &str = "2.41.1";

/// A backup, a rehearsal, up to three minutes at each of three shares, and two in its place.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What one worker runs also beside a rehearsal. With more than it runs there is a queue that callers do not wait for the end of.
const CALLS_EVERY: Duration = Duration::from_millis(500);

async fn begun(called: &Called) -> String {
    let asked = json!({ "n8n_version": LATER, "strategy": "blue_green" });
    called.api.operate(&called.id, "upgrade", &asked).await
}

/// Every call was answered by n8n itself, and none ran twice.
async fn nobody_noticed(called: &Called, told: &Told) {
    println!("{:?}", counted(told));
    assert_eq!(counted(told).into_keys().collect::<Vec<_>>(), ["200"]);
    called.each_runs_once(told).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn a_later_release_gets_more_and_more_calls_and_takes_over() {
    let called = Arc::new(Called::running(FORMER).await);
    let (calls, began) = (called.is_called_every(CALLS_EVERY), Instant::now());
    let operation = begun(&called).await;
    called.api.succeeds_within(&operation, LIMIT).await;
    println!("upgraded in {:?}", began.elapsed());
    let told = calls.end().await.into_iter().collect();
    nobody_noticed(&called, &told).await;
    assert_eq!(releases(&called.id), BTreeSet::from([LATER.to_owned()]));
    called.api.delete_tenant(&called.id).await;
}

/// Waits until this step runs.
async fn reaches(called: &Called, operation: &str, step: &str) {
    eventually(&format!("it is at {step}"), LIMIT, async || {
        let seen = called.api.operation(operation).await?;
        assert!(
            !["succeeded", "rolled_back", "stuck"].contains(&seen["status"].as_str().unwrap()),
            "{seen:#}"
        );
        let begun = |one: &Value| one["name"] == step && one["started_at"].is_string();
        if seen["steps"].as_array().unwrap().iter().any(begun) {
            Ok(())
        } else {
            Err(seen["steps"].to_string())
        }
    })
    .await;
}

async fn goes_back_if_it_dies_at(weight: u8) {
    let called = Arc::new(Called::running(FORMER).await);
    let calls = called.is_called_every(CALLS_EVERY);
    let operation = begun(&called).await;
    reaches(&called, &operation, &format!("watch_{weight}")).await;
    let (green, began) = (labelled("container", &called.id), Instant::now());
    for name in green.iter().filter(|name| name.contains("green")) {
        docker(&["kill", "--signal", "KILL", name]).unwrap();
    }
    let ended = eventually("it goes back", LIMIT, async || {
        let seen = called.api.operation(&operation).await?;
        if seen["status"] == "rolled_back" { Ok(seen) } else { Err(seen.to_string()) }
    });
    let error = ended.await["error"].clone();
    println!("killed with {weight}: back after {:?}: {error}", began.elapsed());
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{:?}", counted(&told));
    assert_eq!(releases(&called.id), BTreeSet::from([FORMER.to_owned()]));
    assert_eq!(called.api.tenant(&called.id).await["status"], "active");
    called.each_runs_once(&told).await;
    called.api.delete_tenant(&called.id).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn a_side_that_dies_with_a_tenth_of_the_calls_is_given_up() {
    goes_back_if_it_dies_at(10).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn a_side_that_dies_with_half_of_the_calls_is_given_up() {
    goes_back_if_it_dies_at(50).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn a_side_that_dies_with_all_of_the_calls_is_given_up() {
    goes_back_if_it_dies_at(100).await;
}

/// One action, until it is done.
async fn done(called: &Called, body: &Value) {
    let operation = called.api.operate(&called.id, "blue-green", body).await;
    called.api.succeeds_within(&operation, LIMIT).await;
}

/// The release, whether it serves, and the share of each side.
async fn sides(called: &Called) -> Vec<(String, bool, u64)> {
    let status = called.sides().await;
    let of = |side: &Value| {
        let version = side["n8n_version"].as_str().map(str::to_owned)?;
        Some((version, side["serves"].as_bool()?, side["weight"].as_u64()?))
    };
    let of = |side| of(side).unwrap_or_else(|| panic!("{status:#}"));
    status["sides"].as_array().unwrap().iter().map(of).collect()
}

fn side(n8n_version: &str, serves: bool, weight: u64) -> (String, bool, u64) {
    (n8n_version.to_owned(), serves, weight)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn a_second_side_takes_over_and_no_caller_notices() {
    let called = Arc::new(Called::running(FORMER).await);
    let id = &called.id;
    assert_eq!(sides(&called).await, [side(FORMER, true, 100)]);

    let calls = called.is_called_every(CALLS_EVERY);
    done(&called, &json!({ "action": "create_green", "n8n_version": LATER, "pre_backup": false })).await;
    assert_eq!(sides(&called).await, [side(FORMER, true, 100), side(LATER, false, 0)]);
    done(&called, &json!({ "action": "set_weight", "to": "green", "weight": 50 })).await;
    called.both_sides_are_counted().await;
    done(&called, &json!({ "action": "swap" })).await;
    assert_eq!(sides(&called).await, [side(LATER, true, 100), side(FORMER, false, 0)]);
    done(&called, &json!({ "action": "cleanup_blue" })).await;
    let told: Told = calls.end().await.into_iter().collect();

    nobody_noticed(&called, &told).await;
    assert_eq!(sides(&called).await, [side(LATER, true, 100)]);
    assert_eq!(releases(id), BTreeSet::from([LATER.to_owned()]));
    assert_eq!(called.api.tenant(id).await["n8n_version"], LATER);
    called.api.delete_tenant(id).await;
}
