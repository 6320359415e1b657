//! How a shared n8n is with a crowd in it: everybody called at once, each answered by their own; and what making, listing and removing one costs
//! when there are few and when there are many. `just crowd` runs it on a platform that is up; `docs/sharing.md` has the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on ends here"
)]

use std::time::{Duration, Instant};

use common::config::{Env, Section};
use e2e::{Api, Customer, eventually, saying_workflow};
use futures::{StreamExt, stream};
use serde_json::json;

const AT_ONCE: usize = 10;

/// Longer than all of them take.
const A_NIGHT: Duration = Duration::from_secs(3600);

/// How many of each.
struct Sizes {
    few: usize,
    dedicated: usize,
    calls: usize,
    called_at_once: usize,
    many: usize,
    backups: usize,
}

impl Section for Sizes {
    fn read(env: &mut Env) -> Option<Self> {
        let (few, dedicated) = (env.or("CROWD_FEW", 20), env.or("CROWD_DEDICATED", 3));
        let (calls, many) = (env.or("CROWD_CALLS", 200), env.or("CROWD_MANY", 500));
        let (called_at_once, backups) =
            (env.or("CROWD_CALLED_AT_ONCE", AT_ONCE), env.or("CROWD_BACKUPS", 200));
        Some(Self {
            few: few?,
            dedicated: dedicated?,
            calls: calls?,
            called_at_once: called_at_once?,
            many: many?,
            backups: backups?,
        })
    }
}

/// One who is called.
struct Called {
    id: String,
    customer: Customer,
    workflow: String,
}

impl Called {
    async fn of(api: &Api, id: String) -> Self {
        let mut customer = Customer::of(api, &id).await;
        customer.sign_in(api, &id).await;
        let workflow = customer.activate(&saying_workflow("orders", &format!("of {id}"))).await;
        let called = Self { id, customer, workflow };
        eventually("its webhook answers", Duration::from_secs(120), async || match called.call().await {
            200 => Ok(()),
            status => Err(status.to_string()),
        })
        .await;
        called
    }

    /// Its status. Anybody else's answer ends the measurement.
    async fn call(&self) -> u16 {
        let answer = match self.customer.call("/webhook/orders", &json!({})).await {
            Ok(answer) => answer,
            Err(error) => panic!("{}: no answer: {error}", self.id),
        };
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert!(
            status != 200 || text.contains(&format!("of {}", self.id)),
            "{} was answered: {text}",
            self.id
        );
        status
    }

    /// So many calls that are answered, and how many were told to come back.
    async fn calls(&self, count: usize, at_once: usize) -> usize {
        let again = stream::iter(0..count).map(async |_| {
            let mut again = 0;
            while self.call().await != 200 {
                again += 1;
            }
            again
        });
        again.buffer_unordered(at_once).fold(0, async |sum, again| sum + again).await
    }
}

/// The ids, and how long each took until it was there.
async fn make(api: &Api, count: usize) -> (Vec<String>, Vec<Duration>) {
    let made = stream::iter(0..count).map(async |_| {
        let begun = Instant::now();
        let (tenant, operation) = api.create_sharing("starter").await;
        api.succeeds(&operation).await;
        (tenant, begun.elapsed())
    });
    made.buffer_unordered(AT_ONCE).unzip().await
}

async fn remove(api: &Api, tenants: &[String]) -> Vec<Duration> {
    let removed = stream::iter(tenants).map(async |tenant| {
        let begun = Instant::now();
        api.delete_tenant(tenant).await;
        begun.elapsed()
    });
    removed.buffer_unordered(AT_ONCE).collect().await
}

/// A page that is full either way.
async fn list(api: &Api) -> Vec<Duration> {
    let mut times = vec![];
    for _ in 0..50 {
        let begun = Instant::now();
        assert_eq!(api.get("/tenants?limit=20&mode=shared").await.unwrap().status, 200);
        times.push(begun.elapsed());
    }
    times
}

/// Asks for a backup of each, as a night does, and waits until the last one was read back.
async fn back_up(api: &Api, tenants: &[String]) -> Duration {
    let begun = Instant::now();
    let asked = stream::iter(tenants).map(async |tenant| api.operate(tenant, "backup", &json!({})).await);
    let operations: Vec<String> = asked.buffer_unordered(AT_ONCE).collect().await;
    for operation in &operations {
        api.succeeds_within(operation, A_NIGHT).await;
    }
    begun.elapsed()
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64();
    println!("| {what} | {} | {:.3} | {:.3} | {:.3} |", times.len(), at(50), at(95), at(100));
}

#[tokio::main]
async fn main() {
    let Sizes { few, dedicated: own, calls, called_at_once, many, backups } =
        Env::of_process().load().unwrap();
    let api = Api::of_environment();
    println!("| ten at once, with so many beside | times | p50 s | p95 s | most s |\n|---|---|---|---|---|");
    let (tenants, times) = make(&api, few).await;
    print(&format!("made, up to {few}"), times);
    print(&format!("listed, with {few}"), list(&api).await);

    let mut called: Vec<Called> =
        stream::iter(tenants).then(async |id| Called::of(&api, id).await).collect().await;
    for _ in 0..own {
        let (id, operation) = api.create_tenant("starter").await;
        api.succeeds(&operation).await;
        called.push(Called::of(&api, id).await);
    }
    let (begun, mut before) = (Instant::now(), vec![]);
    for one in &called {
        before.push(one.customer.succeeded(&one.workflow).await.unwrap());
    }
    let again: Vec<usize> = stream::iter(&called)
        .map(|one| one.calls(calls, called_at_once))
        .buffer_unordered(called.len())
        .collect()
        .await;
    let took = begun.elapsed();
    for (one, before) in called.iter().zip(before) {
        eventually("each call ran once", Duration::from_secs(60), async || {
            let ran = one.customer.succeeded(&one.workflow).await? - before;
            if ran == calls { Ok(()) } else { Err(format!("{}: {ran} of {calls}", one.id)) }
        })
        .await;
    }
    println!(
        "\n{} tenants, {own} of them dedicated, {calls} calls each, {called_at_once} at once of each: all answered by their own in {:.0} s ({:.0}/s), each ran \
         once; told to come back: {}\n",
        called.len(),
        took.as_secs_f64(),
        (called.len() * calls) as f64 / took.as_secs_f64(),
        again.iter().sum::<usize>()
    );

    let (mut more, _) = make(&api, many.saturating_sub(few + 20)).await;
    let (last, times) = make(&api, 20).await;
    print(&format!("made, up to {many}"), times);
    print(&format!("listed, with {many}"), list(&api).await);
    print(&format!("removed, of {many}"), remove(&api, &last).await);
    more.extend(called.into_iter().map(|one| one.id));
    let backed_up = &more[more.len().saturating_sub(backups)..];
    println!("| {} backed up | | | | {:.0} |", backed_up.len(), back_up(&api, backed_up).await.as_secs_f64());
    let (rest, twenty) = more.split_at(more.len().saturating_sub(20));
    print("removed, of all down to 20", remove(&api, rest).await);
    print("removed, of 20 (some with a workflow and executions)", remove(&api, twenty).await);
}
