//! Answers on a real NATS: several at once, and none of them ends the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

#[allow(dead_code, reason = "not every test uses all of it")]
mod support;

use std::{sync::Arc, time::Duration};

use common::{
    bus::{Bus, BusError, Malformed, Request},
    error::{Classify, Kind},
    service::Tasks,
};
use tokio::sync::Semaphore;

use crate::support::{bus_at, eventually, nats_url};

/// What it says is done: `panic`, `refuse`, `held`, or nothing in particular.
#[derive(Debug)]
struct Question(String);

impl Request for Question {
    type Reply = String;
    const SUBJECT: &'static str = "test.questions.v1.say";

    fn encode(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(Self(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn encode_reply(reply: &String) -> Vec<u8> {
        reply.clone().into_bytes()
    }

    fn decode_reply(bytes: &[u8]) -> Result<String, Malformed> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("told to")]
struct Refused;

impl Classify for Refused {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

/// Whoever answers; `let_go` lets a held question be answered.
struct Answering {
    bus: Bus,
    tasks: Tasks,
    begun: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

impl Answering {
    async fn start() -> Self {
        let (bus, tasks) = (bus_at(&nats_url()).await, Tasks::default());
        let (begun, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (answering, stopping) = (bus.clone(), tasks.stopping());
        let (noted, awaited) = (begun.clone(), let_go.clone());
        tasks.spawn("answer", async move {
            let handle = |Question(text)| {
                let (noted, awaited) = (noted.clone(), awaited.clone());
                async move {
                    noted.add_permits(1);
                    match text.as_str() {
                        "panic" => panic!("told to"),
                        "refuse" => return Err(Refused),
                        "held" => awaited.acquire().await.unwrap().forget(),
                        _ => {}
                    }
                    Ok(format!("{text}!"))
                }
            };
            answering.answer("tests", None, stopping, handle).await.unwrap();
        });
        let all = Self { bus, tasks, begun, let_go };
        eventually(async || all.ask("there").await.is_ok()).await;
        all
    }

    async fn ask(&self, text: &str) -> Result<String, BusError> {
        self.bus.request(&Question(text.to_owned())).await
    }
}

#[tokio::test]
#[ignore = "needs NATS: deploy/test"]
async fn a_question_is_its_own_trouble() {
    let answering = Answering::start().await;
    let kind = |answer: Result<String, BusError>| {
        let BusError::Remote { kind, .. } = answer.unwrap_err() else { panic!("it was answered by nobody") };
        kind
    };
    assert_eq!(kind(answering.ask("panic").await), Kind::Internal);
    assert_eq!(kind(answering.ask("refuse").await), Kind::Conflict);
    let (held, quick) = tokio::join!(answering.ask("held"), async {
        let quick = answering.ask("quick").await.unwrap();
        answering.let_go.add_permits(1);
        quick
    });
    assert_eq!((held.unwrap().as_str(), quick.as_str()), ("held!", "quick!"));

    // What was asked before it was time to stop is answered.
    let begun = answering.begun.available_permits();
    let asked = async {
        let held = answering.ask("held");
        let stop = async {
            eventually(async || answering.begun.available_permits() > begun).await;
            answering.tasks.stopping().cancel();
            eventually(async || matches!(answering.ask("late").await, Err(BusError::NoResponders))).await;
            answering.let_go.add_permits(1);
        };
        tokio::join!(held, stop).0
    };
    assert_eq!(asked.await.unwrap(), "held!");
    answering.tasks.finish(Duration::from_secs(5)).await.unwrap();
}
