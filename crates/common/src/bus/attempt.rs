//! One delivery of one message, from its bytes to its acknowledgement.

use std::{panic::AssertUnwindSafe, time::Duration};

use async_nats::jetstream::{self, AckKind};
use futures::FutureExt;
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    BusError, Carried, Concerns, Message, Outcome, Undecodable,
    consumer::ACK_WAIT,
    sender, traced,
    verdict::{Verdict, after_failure, after_unknown, is_worn_out},
};
use crate::{
    backoff::pause,
    clock,
    dead_letters::{DeadLetter, DeadLetters, Reason},
    error::{Kind, chain},
    service,
};

/// A message in our hands.
pub(super) struct Attempt<'a> {
    pub service: &'static str,
    pub message: &'a jetstream::Message,
    pub dead: &'a DeadLetters,
    pub stopping: &'a CancellationToken,
}

/// When it was published, and how often it was handed out, this time included.
struct Delivery {
    published_at: OffsetDateTime,
    count: u32,
}

/// Why it is not done.
struct Unhandled {
    verdict: Verdict,
    detail: String,
    concerns: Concerns,
}

impl Unhandled {
    fn dead(reason: Reason, detail: impl Into<String>, concerns: Concerns) -> Self {
        Self { verdict: Verdict::Dead(reason), detail: detail.into(), concerns }
    }
}

impl Attempt<'_> {
    /// Handles the message and tells the stream what became of it.
    pub async fn settle<M: Message, F: Future<Output = Outcome>>(
        &self,
        handle: &impl Fn(M, Carried) -> F,
    ) -> Result<(), BusError> {
        let delivery = self.delivery()?;
        let ack = tokio::select! {
            ack = self.handle(&delivery, handle) => ack,
            lost = self.hold_on() => return Err(lost),
        };
        self.message.ack_with(ack).await.map_err(BusError::Refused)
    }

    fn delivery(&self) -> Result<Delivery, BusError> {
        let info = self.message.info().map_err(BusError::Refused)?;
        Ok(Delivery {
            published_at: info.published,
            count: u32::try_from(info.delivered).unwrap_or(u32::MAX),
        })
    }

    /// Tells the stream again and again that somebody is at it.
    async fn hold_on(&self) -> BusError {
        loop {
            sleep(ACK_WAIT / 3).await;
            if let Err(error) = self.message.ack_with(AckKind::Progress).await {
                return BusError::Refused(error);
            }
        }
    }

    async fn handle<M: Message, F: Future<Output = Outcome>>(
        &self,
        delivery: &Delivery,
        handle: &impl Fn(M, Carried) -> F,
    ) -> AckKind {
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(unhandled) = self.try_once(delivery, tries, handle).await else { return AckKind::Ack };
            match unhandled.verdict {
                Verdict::Wait(pause) if self.rests(pause).await => {}
                // Somebody else waits for what is missing.
                Verdict::Wait(_) => return AckKind::Nak(None),
                // A bare refusal is redelivered within a millisecond; always say when.
                Verdict::Again(pause) => return AckKind::Nak(Some(pause)),
                Verdict::Dead(reason) => return self.bury(delivery, reason, unhandled).await,
            }
        }
    }

    /// Pauses. `false`: the process stops, and there is no time to wait for anything.
    async fn rests(&self, pause: Duration) -> bool {
        self.stopping.run_until_cancelled(sleep(pause)).await.is_some()
    }

    async fn try_once<M: Message, F: Future<Output = Outcome>>(
        &self,
        delivery: &Delivery,
        tries: u32,
        handle: &impl Fn(M, Carried) -> F,
    ) -> Result<(), Unhandled> {
        let (subject, sender) = sender::split(&self.message.subject, M::SENDER);
        let message = M::decode(subject, &self.message.payload).map_err(|error| match error {
            Undecodable::Malformed(error) => {
                Unhandled::dead(Reason::Malformed, error.to_string(), Concerns::default())
            }
            Undecodable::Unknown(what) => Unhandled {
                verdict: after_unknown(delivery.count),
                detail: what,
                concerns: Concerns::default(),
            },
        })?;
        let concerns = message.concerns();
        let carried =
            Carried { sender: sender.map(str::to_owned), ..Carried::of(self.message.headers.as_ref()) };
        if let Some(detail) = too_late(&message, delivery, &carried) {
            return Err(Unhandled::dead(Reason::Expired, detail, concerns));
        }
        if is_worn_out(delivery.count) {
            return Err(Unhandled::dead(
                Reason::Exhausted,
                "It was handed out many times and never settled.",
                concerns,
            ));
        }
        let span = traced::handling(M::NAME, &carried);
        // Whatever a message makes of its handler, the others are handled.
        let outcome =
            AssertUnwindSafe(handle(message, carried)).catch_unwind().instrument(span).await.unwrap_or_else(
                |panic| {
                    service::panicked(M::NAME, panic.as_ref());
                    Outcome::Failed {
                        kind: Kind::Internal,
                        detail: "Handling it came to an unexpected end.".into(),
                    }
                },
            );
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::Failed { kind, detail } => {
                Err(Unhandled { verdict: after_failure(kind, delivery.count, tries), detail, concerns })
            }
        }
    }

    /// Keeps the dead letter, however long the record is away: a message that is given up is gone from the stream.
    async fn bury(&self, delivery: &Delivery, reason: Reason, unhandled: Unhandled) -> AckKind {
        let letter = DeadLetter {
            service: self.service,
            subject: self.message.subject.to_string(),
            reason,
            detail: unhandled.detail,
            attempts: delivery.count,
            headers: headers(self.message),
            payload: self.message.payload.to_vec(),
            published_at: delivery.published_at,
            tenant: unhandled.concerns.tenant,
            operation: unhandled.concerns.operation,
        };
        let mut tries = 0;
        while let Err(error) = self.dead.keep(&letter).await {
            tries += 1;
            tracing::warn!(error = chain(&error), "a dead letter could not be kept yet");
            if !self.rests(pause(tries)).await {
                return AckKind::Nak(None);
            }
        }
        AckKind::Term
    }
}

/// Whether nobody wants it done any more.
fn too_late(message: &impl Message, delivery: &Delivery, carried: &Carried) -> Option<&'static str> {
    let now = clock::now();
    let deadline = carried.deadline.is_some_and(|deadline| now > deadline);
    let old = message.lifetime().is_some_and(|lifetime| now - delivery.published_at > lifetime);
    match (deadline, old) {
        (true, _) => Some("Its deadline has passed."),
        (false, true) => Some("It was published too long ago."),
        (false, false) => None,
    }
}

fn headers(message: &jetstream::Message) -> serde_json::Value {
    let headers = message.headers.iter().flat_map(|headers| headers.iter());
    let texts = headers.filter_map(|(name, values)| {
        // Postgres keeps no NUL in a JSON text.
        let value = values.first()?.as_str().replace('\0', "");
        Some((name.to_string().replace('\0', ""), value.into()))
    });
    serde_json::Value::Object(texts.collect())
}
