//! A dedicated tenant whose webhooks answer as soon as what they began is in the queue.

use std::time::Duration;

use serde_json::json;

use crate::{Answers, Api, Customer, eventually, labelled, webhook_workflow};

/// A tenant with one worker, which has worked.
pub struct Queueing {
    pub api: Api,
    pub id: String,
    pub worker: String,
    customer: Customer,
    workflow: String,
}

const PATH: &str = "/webhook/e2e-queueing";

impl Queueing {
    /// A new one.
    pub async fn new() -> Self {
        let api = Api::of_environment();
        let (id, customer) = Customer::settled(&api, "starter").await;
        let workflow = customer.activate(&webhook_workflow("e2e-queueing", Answers::WhenQueued)).await;
        let worker = labelled("container", &id).into_iter().find(|name| name.contains("worker")).unwrap();
        let it = Self { api, id, worker, customer, workflow };
        eventually("it is called", Duration::from_secs(30), async || it.call().await).await;
        eventually("its worker works", Duration::from_secs(30), async || it.have_ended(1).await).await;
        it
    }

    /// Begins one execution.
    pub async fn call(&self) -> Result<(), String> {
        self.customer.post(PATH, &json!({})).await.map(drop)
    }

    /// How many have ended well.
    pub async fn ended(&self) -> Result<usize, String> {
        self.customer.succeeded(&self.workflow).await
    }

    /// Whether so many have.
    pub async fn have_ended(&self, count: usize) -> Result<(), String> {
        let ended = self.ended().await?;
        if ended >= count { Ok(()) } else { Err(format!("{ended} of {count}")) }
    }

    /// The operations that healed it.
    pub async fn heals(&self) -> Vec<serde_json::Value> {
        let path = format!("/operations?tenant={}&kind=tenant.heal", self.id);
        let heals = self.api.get(&path).await.unwrap();
        heals.body["data"].as_array().cloned().unwrap_or_else(|| panic!("{}", heals.body))
    }
}
