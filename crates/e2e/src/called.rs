//! A tenant whose webhook answers what it is told, and whether each call that it took ran once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{Answers, Api, Calls, Customer, eventually, holds_calls, sql, tally, webhook_workflow};

const PATH: &str = "/webhook/e2e-called";
/// A starter runs more than these five a second beside what was held.
const CALLS_EVERY: Duration = Duration::from_millis(200);

/// What callers were told, by the number of their call.
pub type Told = BTreeMap<u32, String>;

/// A tenant that is called.
pub struct Called {
    pub api: Api,
    pub id: String,
    pub customer: Customer,
}

impl Called {
    /// The number of the calls that nobody counts.
    pub const NOBODYS: u32 = 99_999;

    /// A new one.
    pub async fn new() -> Self {
        let api = Api::of_environment();
        let (id, customer) = Customer::settled(&api, "starter").await;
        Self::by(api, id, customer).await
    }

    /// The same on this release of n8n.
    pub async fn running(n8n_version: &str) -> Self {
        let api = Api::of_environment();
        let (id, customer) = Customer::settled_on(&api, "starter", n8n_version).await;
        Self::by(api, id, customer).await
    }

    /// One that shares an n8n. Its executions are counted once it has one of its own.
    pub async fn sharing(plan: &str) -> Self {
        let api = Api::of_environment();
        let (id, customer) = Customer::moved_in_on(&api, plan).await;
        Self::by(api, id, customer).await
    }

    async fn by(api: Api, id: String, customer: Customer) -> Self {
        customer.activate(&webhook_workflow("e2e-called", Answers::WhenFinished)).await;
        let it = Self { api, id, customer };
        it.serves().await;
        it
    }

    /// Waits until n8n answers.
    pub async fn serves(&self) {
        eventually("it answers", Duration::from_secs(120), async || match self.call(Self::NOBODYS).await {
            (_, told) if told == "200" => Ok(()),
            (_, told) => Err(told),
        })
        .await;
    }

    /// Five times a second from now on.
    pub fn is_called(self: &Arc<Self>) -> Calls<(u32, String)> {
        self.is_called_every(CALLS_EVERY)
    }

    /// As often as this.
    pub fn is_called_every(self: &Arc<Self>, pause: Duration) -> Calls<(u32, String)> {
        let called = self.clone();
        Calls::every(pause, move |number| {
            let called = called.clone();
            async move { called.call(number).await }
        })
    }

    /// `200` is n8n's own answer to this very call, `202` comes with a receipt, and `503 later` says when to come back.
    pub async fn call(&self, number: u32) -> (u32, String) {
        let said = said(number);
        let told = match self.customer.call(PATH, &json!({ "say": said })).await {
            Ok(answer) => {
                let has = |name| answer.headers().contains_key(name);
                let (status, receipt, later) =
                    (answer.status().as_u16(), has("x-rp9-receipt"), has("retry-after"));
                let body = answer.text().await.unwrap_or_default();
                match status {
                    200 if body.contains(&said) => "200".to_owned(),
                    202 if receipt => "202".to_owned(),
                    503 if later => "503 later".to_owned(),
                    _ => format!("{status}: {body:.120}"),
                }
            }
            Err(_) => "no answer".to_owned(),
        };
        (number, told)
    }

    /// What is told of its sides: `data` of `GET …/blue-green/status`.
    pub async fn sides(&self) -> Value {
        let path = format!("/tenants/{}/blue-green/status", self.id);
        self.api.get(&path).await.unwrap().body["data"].clone()
    }

    /// Waits until calls to two sides are counted, by what the edge tells of each a few times a minute, and none of them failed.
    pub async fn both_sides_are_counted(&self) {
        eventually("calls to both sides are counted", Duration::from_secs(180), async || {
            let told = self.sides().await;
            let is_well = |side: &Value| side["calls"].as_u64() > Some(0) && side["error_rate"] == 0.0;
            let sides = told["sides"].as_array().unwrap();
            if sides.len() == 2 && sides.iter().all(is_well) { Ok(()) } else { Err(told.to_string()) }
        })
        .await;
    }

    /// How often each call ran.
    fn ran(&self) -> BTreeMap<String, usize> {
        let lines = sql(&self.id, "SELECT substring(data from 'call [0-9]{5}') FROM execution_data");
        let said_by_nobody = said(Self::NOBODYS);
        tally(lines.lines().filter(|line| !line.is_empty() && **line != said_by_nobody).map(str::to_owned))
    }

    /// Each call that was accepted runs once, and no other more than once.
    pub async fn each_runs_once(&self, told: &Told) {
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

/// How many callers were told each.
pub fn counted(told: &Told) -> BTreeMap<&str, usize> {
    tally(told.values().map(String::as_str))
}

/// Who is told to come back is so only where calls are not held. A 502 is of the moment in which a main goes (docs/edge.md).
pub fn assert_told_well(told: &Told) {
    let held = holds_calls();
    let well = |told: &str| match told {
        "200" => true,
        "202" => held,
        "503 later" => !held,
        other => other.starts_with("502"),
    };
    assert!(told.values().all(|told| well(told)), "calls are held: {held}; {:?}", counted(told));
}
