//! One tenant after the other gets a later release while it is called, in place and beside the former one in turn: none loses a call.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::config::{Env, Section};
use e2e::{Called, Told, assert_told_well, counted, releases};
use serde_json::json;

const FORMER: &str = "2.40.7";
const LATER: &str = "2.41.1";

/// A backup, a rehearsal, up to three minutes at each of three shares, and two in its place.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What one worker runs also beside a rehearsal.
const CALLS_EVERY: Duration = Duration::from_millis(500);

/// How many are upgraded.
struct Upgrades(u32);

impl Section for Upgrades {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self(env.or("UPGRADES", 20)?))
    }
}

/// What its callers were told.
async fn upgraded(strategy: &str) -> Told {
    let called = Arc::new(Called::running(FORMER).await);
    let (calls, began) = (called.is_called_every(CALLS_EVERY), Instant::now());
    let asked = json!({ "n8n_version": LATER, "strategy": strategy });
    let operation = called.api.operate(&called.id, "upgrade", &asked).await;
    called.api.succeeds_within(&operation, LIMIT).await;
    let took = began.elapsed();
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{strategy}: {:?} in {took:?}", counted(&told));
    assert_eq!(releases(&called.id), [LATER.to_owned()].into());
    called.each_runs_once(&told).await;
    called.api.delete_tenant(&called.id).await;
    told
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just upgraded"]
async fn one_after_the_other_gets_a_later_release_and_each_call_runs_once() {
    let Upgrades(upgrades) = Env::of_process().load().unwrap();
    for strategy in ["recreate", "blue_green"].into_iter().cycle().take(upgrades.try_into().unwrap()) {
        let told = upgraded(strategy).await;
        match strategy {
            "recreate" => assert_told_well(&told),
            _ => assert_eq!(counted(&told).into_keys().collect::<Vec<_>>(), ["200"], "nobody noticed"),
        }
    }
}
