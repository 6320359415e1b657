//! Calls that come while a tenant's main is away are kept, and run once it is back: each of them, and none twice.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use e2e::{
    Answers, Api, Calls, Customer, Service, docker, eventually, main_of, sql, tally, webhook_workflow,
};
use serde_json::json;

const PATH: &str = "/webhook/e2e-held";
/// A starter runs more than these five a second beside what was held.
const CALLS_EVERY: Duration = Duration::from_millis(200);

/// The number of calls that nobody counts.
const NOBODYS: u32 = 99_999;

/// A tenant whose webhook answers what it is told.
struct Called {
    api: Api,
    id: String,
    customer: Customer,
}

/// What callers were told, by the number of their call.
type Told = BTreeMap<u32, String>;

impl Called {
    async fn new() -> Self {
        let api = Api::of_environment();
        let (id, customer) = Customer::settled(&api, "starter").await;
        customer.activate(&webhook_workflow("e2e-held", Answers::WhenFinished)).await;
        let it = Self { api, id, customer };
        it.serves().await;
        it
    }

    async fn serves(&self) {
        eventually("it answers", Duration::from_secs(120), async || match self.call(NOBODYS).await {
            (_, told) if told == "200" => Ok(()),
            (_, told) => Err(told),
        })
        .await;
    }

    /// Until so many are in the record, also while that starts.
    async fn holds(&self, many: u32) {
        let count = format!(
            "SELECT count(*) FROM held_calls WHERE 'ten_' || replace(tenant_id::text, '-', '') = '{}'",
            self.id
        );
        let psql = ["psql", "-qAt", "-U", "postgres", "-d", "rp9", "-c", &count];
        let postgres = Service::of("postgres");
        let asked = [&["exec", postgres.name()], &psql[..]].concat();
        eventually(&format!("{many} calls are held"), Duration::from_secs(90), async || {
            let held = docker(&asked)?;
            if held.trim().parse::<u32>().is_ok_and(|held| held >= many) { Ok(()) } else { Err(held) }
        })
        .await;
    }

    fn is_called(self: &Arc<Self>) -> Calls<(u32, String)> {
        let called = self.clone();
        Calls::every(CALLS_EVERY, move |number| {
            let called = called.clone();
            async move { called.call(number).await }
        })
    }

    /// 200 is n8n's own answer to this very call, and 202 comes with a receipt.
    async fn call(&self, number: u32) -> (u32, String) {
        let said = said(number);
        let told = match self.customer.call(PATH, &json!({ "say": said })).await {
            Ok(answer) => {
                let (status, receipt) =
                    (answer.status().as_u16(), answer.headers().contains_key("x-rp9-receipt"));
                let body = answer.text().await.unwrap_or_default();
                match status {
                    200 if body.contains(&said) => "200".to_owned(),
                    202 if receipt => "202".to_owned(),
                    _ => format!("{status}: {body:.120}"),
                }
            }
            Err(_) => "no answer".to_owned(),
        };
        (number, told)
    }

    /// How often each call ran.
    fn ran(&self) -> BTreeMap<String, u32> {
        let lines = sql(&self.id, "SELECT substring(data from 'call [0-9]{5}') FROM execution_data");
        let mut ran = BTreeMap::new();
        for said in lines.lines().filter(|line| !line.is_empty() && **line != said(NOBODYS)) {
            *ran.entry(said.to_owned()).or_default() += 1;
        }
        ran
    }

    /// Each call that was accepted runs once, and no other more than once.
    async fn each_runs_once(&self, told: &Told) {
        let accepted = |told: &str| matches!(told, "200" | "202");
        eventually("what was accepted runs", Duration::from_secs(180), async || {
            let ran = self.ran();
            let missing =
                told.iter().filter(|(number, told)| accepted(told) && !ran.contains_key(&said(**number)));
            match missing.count() {
                0 => Ok(()),
                missing => Err(format!("{missing} of {}", told.len())),
            }
        })
        .await;
        let twice: Vec<_> = self.ran().into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}

fn said(number: u32) -> String {
    format!("call {number:05}")
}

fn counted(told: &Told) -> BTreeMap<&str, usize> {
    tally(told.values().map(String::as_str))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn a_restart_that_is_asked_for_is_noticed_by_no_caller() {
    let called = Arc::new(Called::new().await);
    let calls = called.is_called();
    let began = Instant::now();
    let operation = called.api.operate(&called.id, "restart", &json!({})).await;
    called.api.succeeds(&operation).await;
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{:?} in {:?}", counted(&told), began.elapsed());
    assert!(told.values().all(|told| matches!(told.as_str(), "200" | "202")), "{:?}", counted(&told));
    called.each_runs_once(&told).await;
    called.api.delete_tenant(&called.id).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a running platform: deploy/test"]
async fn what_is_held_outlives_the_gateway_and_the_record() {
    let called = Arc::new(Called::new().await);
    // So that nobody brings it back.
    let provisioner = Service::of("provisioner");
    provisioner.stop();
    let main = main_of(&called.id);
    docker(&["stop", &main]).unwrap();
    eventually("calls are held", Duration::from_secs(60), async || {
        let (_, told) = called.call(NOBODYS).await;
        if told == "202" { Ok(()) } else { Err(told) }
    })
    .await;
    let calls = called.is_called();
    for (many, part) in [(20, "gateway"), (60, "postgres")] {
        called.holds(many).await;
        let part = Service::of(part);
        part.kill();
        part.start();
    }
    called.holds(100).await;
    docker(&["start", &main]).unwrap();
    called.serves().await;
    let told: Told = calls.end().await.into_iter().collect();
    println!("{:?}", counted(&told));
    provisioner.start();
    called.each_runs_once(&told).await;
    called.api.delete_tenant(&called.id).await;
}
