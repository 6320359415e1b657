//! A tenant that moves out of a shared n8n and back, again and again, under calls: each that was taken runs once, wherever.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use common::config::{Env, Section};
use e2e::{Called, Calls, Told, assert_told_well, counted, eventually, place, sql};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(15 * 60);

/// How often it is called: two a second are what a tenant runs in a shared n8n beside a backup on two cores.
struct CallsASecond(NonZeroU32);

impl Section for CallsASecond {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self(env.or("MOVES_CALLS_A_SECOND", NonZeroU32::MIN.saturating_add(1))?))
    }
}

/// How often it moves.
struct Moves(u32);

impl Section for Moves {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self(env.or("MOVES", 20)?))
    }
}

/// What became of all its calls: taken; or ended in the moment in which a main goes, which may have run.
#[derive(Default)]
struct Ends {
    taken: AtomicUsize,
    unknown: AtomicUsize,
}

/// Whose calls are numbered through, and counted.
#[derive(Clone)]
pub struct Mover {
    called: Arc<Called>,
    /// What was counted of it in the shared n8n before any of that.
    before: usize,
    every: Duration,
    numbers: Arc<AtomicU32>,
    ends: Arc<Ends>,
}

impl Mover {
    /// One that lives in a shared n8n, and is called as often as the environment says.
    pub async fn new() -> Self {
        let CallsASecond(calls) = Env::of_process().load().unwrap();
        // A starter's thousand executions a month are used up after some eight moves.
        let called = Arc::new(Called::sharing("pro").await);
        let (instance, prefix, _) = place(&called.id);
        let ran = format!(
            r#"SELECT count(*) FROM execution_entity e JOIN shared_workflow s ON s."workflowId" = e."workflowId" WHERE s."projectId" = '{prefix}'"#
        );
        let before = sql(&instance, &ran).parse().unwrap();
        let every = Duration::from_secs(1) / calls.get();
        Self { called, before, every, numbers: Arc::default(), ends: Arc::default() }
    }

    pub fn called(&self) -> &Called {
        &self.called
    }

    async fn call(&self) -> (u32, String) {
        let (number, told) = self.called.call(self.numbers.fetch_add(1, Ordering::SeqCst)).await;
        let end = match told.as_str() {
            "200" | "202" => Some(&self.ends.taken),
            told if told.starts_with("502") => Some(&self.ends.unknown),
            _ => None,
        };
        end.map(|end| end.fetch_add(1, Ordering::SeqCst));
        (number, told)
    }

    pub fn is_called(&self) -> Calls<(u32, String)> {
        let mover = self.clone();
        Calls::every(self.every, move |_| {
            let mover = mover.clone();
            async move { mover.call().await }
        })
    }

    /// Waits until n8n itself answers.
    pub async fn serves(&self) {
        eventually("n8n itself answers", Duration::from_secs(120), async || match self.call().await {
            (_, told) if told == "200" => Ok(()),
            (_, told) => Err(told),
        })
        .await;
    }

    /// One way, until n8n answers at once again. How long that took after the end of the operation.
    async fn moves(&self, verb: &str, asked: &Value) -> Duration {
        let (api, id, calls) = (&self.called.api, &self.called.id, self.is_called());
        let operation = api.operate(id, verb, asked).await;
        api.succeeds_within(&operation, LIMIT).await;
        let ended = Instant::now();
        self.serves().await;
        let steady = ended.elapsed();
        let told: Told = calls.end().await.into_iter().collect();
        println!("{verb}: {:?}, steady after {steady:?}", counted(&told));
        assert_told_well(&told);
        steady
    }

    /// Whether what was counted of it is what was taken, late as that may be.
    pub async fn each_ran_once(&self) {
        let [taken, unknown] = [&self.ends.taken, &self.ends.unknown].map(|ends| ends.load(Ordering::SeqCst));
        let usage = format!("/tenants/{}/usage?resolution=month", self.called.id);
        eventually("what was taken is counted", Duration::from_secs(300), async || {
            let told = self.called.api.get(&usage).await?.body;
            let ran = told["data"]["billable_executions"].as_u64().unwrap_or_default();
            let ran = usize::try_from(ran).unwrap() - self.before;
            if (taken..=taken + unknown).contains(&ran) {
                Ok(())
            } else {
                Err(format!("{ran} of {taken}, and perhaps {unknown} more"))
            }
        })
        .await;
        println!("{taken} taken, each ran once; {unknown} ended when a main went");
    }
}

fn p95(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[(of.len() * 95).div_ceil(100) - 1]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: just long"]
async fn a_tenant_moves_out_and_back_again_and_again_and_each_call_runs_once() {
    let Moves(moves) = Env::of_process().load().unwrap();
    let mover = Mover::new().await;
    let called = mover.called();
    let (mut frozen, mut steady) = (Vec::new(), Vec::new());
    for round in 1..=moves {
        steady.push(mover.moves("promote", &json!({})).await.as_secs_f64());
        let promoted = called.api.last_promotion(&called.id).await;
        frozen.push(promoted["freeze_seconds"].as_f64().unwrap());
        let back = json!({ "promotion_id": promoted["promotion_id"] });
        steady.push(mover.moves("rollback", &back).await.as_secs_f64());
        println!("{round} of {moves}: frozen for {}", promoted["freeze_seconds"]);
    }
    println!("freeze p95 {:.1} s, steady p95 {:.1} s", p95(frozen), p95(steady));
    mover.each_ran_once().await;
    called.api.delete_tenant(&called.id).await;
}
