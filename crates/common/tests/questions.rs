//! Questions on a real NATS: each is answered, in time or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use common::{
    bus::{Malformed, Request},
    error::{Classify, Kind},
    service::Tasks,
};
use futures::future::join_all;

use crate::support::{bus_at, eventually, nats_url};

/// `hang` is never answered, anything else by itself.
struct Ask(&'static str);

impl Request for Ask {
    type Reply = String;
    const SUBJECT: &'static str = "test.questions.v1.ask";

    fn place(&self) -> Option<&str> {
        self.0.strip_prefix("in ")
    }

    fn encode(&self) -> Vec<u8> {
        self.0.into()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(Self(if bytes == b"hang" { "hang" } else { "else" }))
    }

    fn encode_reply(reply: &String) -> Vec<u8> {
        reply.clone().into_bytes()
    }

    fn decode_reply(bytes: &[u8]) -> Result<String, Malformed> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never;

impl Classify for Never {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
}

async fn answer(Ask(text): Ask) -> Result<String, Never> {
    if text == "hang" { std::future::pending().await } else { Ok(text.to_owned()) }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn questions_that_are_never_answered_are_in_no_other_ones_way_for_long() {
    let (bus, tasks) = (bus_at(&nats_url()).await, Tasks::default());
    let (answering, stopping) = (bus.clone(), tasks.stopping());
    tasks.spawn("ask", async move { answering.answer("test", None, stopping, answer).await.unwrap() });
    eventually(async || bus.request(&Ask("else")).await.is_ok()).await;
    // More than are answered side by side.
    for asked in join_all((0..20).map(|_| bus.request(&Ask("hang")))).await {
        assert_eq!(asked.unwrap_err().kind(), Kind::Timeout);
    }
    eventually(async || bus.request(&Ask("else")).await.is_ok()).await;
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_question_for_one_place_is_answered_there_and_nowhere_else() {
    let (bus, tasks) = (bus_at(&nats_url()).await, Tasks::default());
    let (answering, stopping) = (bus.clone(), tasks.stopping());
    let answer = async |_: Ask| Ok::<_, Never>("east".to_owned());
    let answering = async move { answering.answer("place", Some("east"), stopping, answer).await.unwrap() };
    tasks.spawn("ask", answering);
    eventually(async || bus.request(&Ask("in east")).await.is_ok_and(|by| by == "east")).await;
    let elsewhere = bus.request(&Ask("in west")).await.unwrap_err();
    assert_eq!(elsewhere.kind(), Kind::Unavailable, "nobody answers for it: {elsewhere}");
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}
