//! Callers: each asks at its own moment, whoever is in the way, and asks again until it is answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use backon::{ExponentialBuilder, Retryable};
use common::{clock, id::OperationId, service::Tasks};
use http::StatusCode;
use testkit::portal::{Caller, Client};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use crate::{
    asked::Asked,
    choice::Mix,
    ledger::{Answer, Ledger, Question},
};

/// Longer than the gateway takes for anything, a lock that it waits for included.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// After the end of the load, until every caller has been answered.
const LAST_ANSWERS: Duration = Duration::from_secs(120);

/// Out of a hundred: requests sent twice at once under one key.
const TWINS: u8 = 10;
/// How often whoever watches an operation looks whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What callers need.
pub struct Portal {
    pub caller: Caller,
    pub gateways: [u16; 2],
    pub tasks: Tasks,
    pub ledger: Arc<Ledger>,
}

/// Asks so often a second for so long, then waits until everybody is answered. Returns how many were not.
pub async fn run(
    portal: &Arc<Portal>,
    (rate, length, mix): (u32, Duration, Mix),
    mut random: fastrand::Rng,
) -> anyhow::Result<usize> {
    let (begin, mut callers) = (Instant::now(), JoinSet::new());
    let total = u32::try_from(length.as_secs())?.saturating_mul(rate);
    for number in 0..total {
        let due = begin + Duration::from_secs(1) * number / rate;
        sleep_until(due).await;
        let asked = mix.draw(&portal.ledger, &mut random);
        let rivals = mix.has_rivals(asked, &mut random);
        let first = random.usize(..2);
        callers.spawn(portal.clone().ask(asked, due, first, random.fork()));
        if rivals {
            portal.ledger.rivals();
            callers.spawn(portal.clone().ask(asked, due, first + 1, random.fork()));
        }
        if mix.cancels(&mut random)
            && let Some(operation) = portal.ledger.recent(&mut random)
        {
            callers.spawn(portal.clone().ask(Asked::Cancel(operation), due, first, random.fork()));
        }
        while callers.try_join_next().is_some() {}
    }
    let everybody = async { while callers.join_next().await.is_some() {} };
    // Whoever waits longer than that is counted as not answered.
    let _ = tokio::time::timeout(LAST_ANSWERS, everybody).await;
    Ok(callers.len())
}

impl Portal {
    async fn ask(self: Arc<Self>, asked: Asked, due: Instant, first: usize, mut random: fastrand::Rng) {
        let key = Uuid::from_u128(random.u128(..));
        let question = Question { key, asked, sent: clock::now() };
        let answer = if random.u8(..100) >= TWINS {
            self.until_answered(key, asked, first).await
        } else {
            self.ledger.twin();
            let (one, other) = tokio::join!(
                self.until_answered(key, asked, first),
                self.until_answered(key, asked, first + 1)
            );
            self.ledger.choose(key, one, other)
        };
        let operation = answer.operation();
        self.ledger.answered(question, answer, due.elapsed());
        let watching = self.clone();
        self.tasks.spawn("watch", async move { watching.watch(asked, operation).await });
    }

    /// Somebody may ask something else of the tenant when what was asked for has ended.
    async fn watch(&self, asked: Asked, operation: Option<OperationId>) {
        if let Some(operation) = operation.filter(|_| self.ledger.watches()) {
            let mut turn = 0;
            while !self.has_ended(operation, turn).await.unwrap_or(false) {
                tokio::time::sleep(LOOK_EVERY).await;
                turn += 1;
            }
        }
        self.ledger.free(asked, operation);
    }

    async fn has_ended(&self, operation: OperationId, turn: usize) -> anyhow::Result<bool> {
        let port = self.gateways.get(turn % self.gateways.len()).context("there is no gateway")?;
        let look = self.caller.look(&format!("/operations/{operation}"))?;
        let asking = async { Client::connect(&self.tasks, *port).await?.send(look).await };
        let (_, body) = tokio::time::timeout(PATIENCE, asking).await??;
        let operation: serde_json::Value = serde_json::from_slice(&body)?;
        Ok(matches!(operation["data"]["status"].as_str(), Some("succeeded" | "rolled_back" | "stuck")))
    }

    /// Asks with the same key, one gateway after the other, until one of them gives a definite answer.
    pub async fn until_answered(&self, key: Uuid, asked: Asked, first: usize) -> Answer {
        let turn = AtomicUsize::new(first);
        let again = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .with_jitter()
            .without_max_times();
        let attempt = || async {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            let answered = tokio::time::timeout(PATIENCE, self.send(key, asked, turn)).await;
            answered.map_err(anyhow::Error::from).flatten()
        };
        loop {
            let answered = attempt.retry(again).notify(|_, _| self.ledger.retried()).await;
            if let Ok(answer) = answered {
                return answer;
            }
        }
    }

    /// Asks once. An answer that leaves open what happened is an error.
    async fn send(&self, key: Uuid, asked: Asked, turn: usize) -> anyhow::Result<Answer> {
        let request = asked.request(&self.caller, key)?;
        let port = self.gateways.get(turn % self.gateways.len()).context("there is no gateway")?;
        let (question, client) =
            (Question { key, asked, sent: clock::now() }, Client::connect(&self.tasks, *port));
        let (status, body) = client.await?.send(request).await?;
        let answer = Answer { status, body };
        let code = answer.code();
        let signed_anew = status == StatusCode::UNAUTHORIZED && code.as_deref() == Some("signature_repeated");
        if signed_anew {
            self.ledger.signed_anew(question);
        }
        let passing = signed_anew
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            || status.is_server_error()
            || status == StatusCode::CONFLICT && code.as_deref() == Some("request_in_flight");
        anyhow::ensure!(!passing, "{status}: {}", String::from_utf8_lossy(&answer.body));
        Ok(answer)
    }
}
