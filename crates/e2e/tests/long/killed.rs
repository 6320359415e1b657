//! The provisioner is killed at ten moments of each way to another n8n, while the tenant is called: each is done all the same, and each call that
//! was taken runs once.

use std::{sync::Arc, time::Duration};

use e2e::{Called, Service, Told, assert_told_well, counted, eventually, releases};
use serde_json::{Value, json};

use crate::moves::Mover;

const MOMENTS: usize = 10;
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// What one worker runs also beside a rehearsal.
const CALLS_EVERY: Duration = Duration::from_millis(500);

/// Moments all over an operation, whose steps are known once it was done.
#[derive(Default)]
struct Moments {
    steps: usize,
}

impl Moments {
    /// Kills the provisioner once so many tenths of the steps have begun, starts it again, and waits for the end. Which step that was.
    async fn killed(&mut self, called: &Called, verb: &str, asked: &Value, tenths: usize) -> String {
        let operation = called.api.operate(&called.id, verb, asked).await;
        let last = self.steps * tenths / MOMENTS;
        let step = eventually("it has got there", LIMIT, async || {
            let seen = called.api.operation(&operation).await?;
            let step = seen["steps"].as_array().unwrap().get(last).map(|step| step["name"].clone());
            step.ok_or_else(|| seen.to_string())
        })
        .await;
        let provisioner = Service::of("provisioner");
        provisioner.kill();
        provisioner.start();
        let done = called.api.succeeds_within(&operation, LIMIT).await;
        self.steps = done["steps"].as_array().unwrap().len();
        step.as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just killed"]
async fn a_tenant_moves_out_and_back_whenever_the_provisioner_is_killed() {
    let mover = Mover::new().await;
    let called = mover.called();
    let (mut ways_out, mut ways_back) = (Moments::default(), Moments::default());
    for tenths in 0..MOMENTS {
        let calls = mover.is_called();
        let out = ways_out.killed(called, "promote", &json!({}), tenths).await;
        let promoted = called.api.last_promotion(&called.id).await;
        mover.serves().await;
        let back = json!({ "promotion_id": promoted["promotion_id"] });
        let back = ways_back.killed(called, "rollback", &back, tenths).await;
        mover.serves().await;
        let told: Told = calls.end().await.into_iter().collect();
        println!("killed at {out} and at {back}: {:?}", counted(&told));
        assert_told_well(&told);
    }
    mover.each_ran_once().await;
    called.api.delete_tenant(&called.id).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just killed"]
async fn a_tenant_gets_a_later_release_whenever_the_provisioner_is_killed() {
    let (mut moments, later) = (Moments::default(), json!({ "n8n_version": "2.41.1" }));
    for tenths in 0..MOMENTS {
        let called = Arc::new(Called::running("2.40.7").await);
        let calls = called.is_called_every(CALLS_EVERY);
        let step = moments.killed(&called, "upgrade", &later, tenths).await;
        called.serves().await;
        let told: Told = calls.end().await.into_iter().collect();
        println!("killed at {step}: {:?}", counted(&told));
        assert_told_well(&told);
        assert_eq!(releases(&called.id), ["2.41.1".to_owned()].into());
        called.each_runs_once(&told).await;
        called.api.delete_tenant(&called.id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just killed"]
async fn a_tenant_falls_back_whenever_the_provisioner_is_killed() {
    let (called, mut moments) = (Called::new().await, Moments::default());
    for tenths in 0..MOMENTS {
        let asked = json!({ "target": "shared", "reason": "it is tried" });
        let step = moments.killed(&called, "failover", &asked, tenths).await;
        called.serves().await;
        assert_eq!(called.api.tenant(&called.id).await["mode"], "shared", "killed at {step}");
        let operation = called.api.operate(&called.id, "promote", &json!({})).await;
        called.api.succeeds_within(&operation, LIMIT).await;
        called.serves().await;
        println!("killed at {step}: served from a shared n8n, and from its own again");
    }
    called.api.delete_tenant(&called.id).await;
}
