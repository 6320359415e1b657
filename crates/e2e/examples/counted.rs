//! Whether known executions of every kind are counted exactly, of twenty who share an n8n and three who have their own, while the collector is
//! killed again and again and Postgres begins anew. `just counted` runs it on a platform that is up (docs/observability.md).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on ends here")]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use common::config::{Env, Section};
use e2e::{
    Answers, Api, Customer, Service, called_workflow, calling_workflow, eventually, failing_workflow,
    unsaved, webhook_workflow,
};
use futures::{StreamExt as _, future::join_all, stream};
use serde_json::json;

/// Of every ten calls: unsaved and good, failing, running another as a step.
const OF_TEN: [usize; 3] = [5, 3, 2];
const KILLS: usize = 10;
const AT_ONCE: usize = 4;
const PATIENCE: Duration = Duration::from_secs(600);

struct Sizes {
    sharing: usize,
    dedicated: usize,
    tens: usize,
}

impl Section for Sizes {
    fn read(env: &mut Env) -> Option<Self> {
        let (sharing, dedicated) = (env.or("COUNTED_SHARING", 20), env.or("COUNTED_DEDICATED", 3));
        Some(Self { sharing: sharing?, dedicated: dedicated?, tens: env.or("COUNTED_TENS", 20)? })
    }
}

const PATHS: [(&str, u16); 3] = [("counted-good", 200), ("counted-bad", 500), ("counted-nested", 200)];

struct One {
    id: String,
    customer: Customer,
    good: String,
}

impl One {
    async fn of(api: &Api, id: String) -> Self {
        let mut customer = Customer::of(api, &id).await;
        customer.sign_in(api, &id).await;
        let good = unsaved(webhook_workflow(PATHS[0].0, Answers::WhenFinished));
        let good = customer.activate(&good).await;
        customer.activate(&failing_workflow(PATHS[1].0)).await;
        let called = customer.activate(&called_workflow()).await;
        customer.activate(&calling_workflow(PATHS[2].0, &called)).await;
        Self { id, customer, good }
    }

    /// Until so many were answered as they should be. Nothing else is an execution: the path is nobody's yet, or n8n is away.
    async fn call(&self, times: usize, (path, answer): (&str, u16)) {
        for _ in 0..times {
            eventually("it answers", PATIENCE, async || {
                let status = self.customer.call(&format!("/webhook/{path}"), &json!({})).await?.status();
                if status.as_u16() == answer { Ok(()) } else { Err(status.to_string()) }
            })
            .await;
        }
    }

    async fn run(&self, tens: usize) {
        for (path, times) in PATHS.into_iter().zip(OF_TEN) {
            self.call(times * tens, path).await;
        }
    }

    /// Everything of its that n8n still has goes.
    async fn prune(&self) {
        self.customer.remove(&self.good).await;
    }

    async fn is_counted(&self, api: &Api, tens: usize) -> Result<(), String> {
        let usage = api.get(&format!("/tenants/{}/usage", self.id)).await?.body["data"].take();
        let total = &usage["total"];
        let [good, bad, nested] = OF_TEN.map(|times| times * tens);
        let counted = json!([
            total["production"]["executions"],
            total["production"]["failed"],
            total["sub_workflow"]["executions"],
            total["manual"]["executions"],
            usage["billable_executions"],
        ]);
        let expected = json!([good + bad + nested, bad, nested, 0, good + bad + nested]);
        if counted == expected { Ok(()) } else { Err(format!("{}: {counted}, not {expected}", self.id)) }
    }
}

/// Kills the collector for as long as calls are made.
async fn disturb(calling: &AtomicBool) -> usize {
    let (collector, mut kills) = (Service::of("metrics-collector"), 0);
    while calling.load(Ordering::SeqCst) || kills < KILLS {
        collector.kill();
        collector.start();
        kills += 1;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    kills
}

async fn run(all: &[One], tens: usize) {
    stream::iter(all).map(async |one| one.run(tens).await).buffer_unordered(AT_ONCE).count().await;
}

#[tokio::main]
async fn main() {
    let Sizes { sharing, dedicated, tens } = Env::of_process().load().unwrap();
    let api = Api::of_environment();
    let mut ids = vec![];
    for _ in 0..sharing {
        let (id, operation) = api.create_sharing("starter").await;
        api.succeeds(&operation).await;
        ids.push(id);
    }
    for _ in 0..dedicated {
        let (id, operation) = api.create_tenant("starter").await;
        api.succeeds(&operation).await;
        ids.push(id);
    }
    let all: Vec<One> = stream::iter(ids).then(async |id| One::of(&api, id).await).collect().await;
    let (begun, calling) = (Instant::now(), AtomicBool::new(true));
    let calls = async {
        run(&all, tens / 2).await;
        // Between calls: whether one that fails meanwhile was an execution nobody could tell.
        Service::of("postgres").restart();
        run(&all, tens - tens / 2).await;
        join_all(all.iter().map(One::prune)).await;
        calling.store(false, Ordering::SeqCst);
    };
    let ((), kills) = tokio::join!(calls, disturb(&calling));
    let called = begun.elapsed();
    for one in &all {
        eventually("everything is counted, once", PATIENCE, async || one.is_counted(&api, tens).await).await;
    }
    println!(
        "{sharing} sharing and {dedicated} dedicated, {} calls each in {:.0} s, {kills} kills of the collector and a restart of Postgres meanwhile: \
         counted exactly, by kind, {:.0} s after the last call",
        tens * 10,
        called.as_secs_f64(),
        (begun.elapsed() - called).as_secs_f64()
    );
    join_all(all.iter().map(async |one| api.delete_tenant(&one.id).await)).await;
}
