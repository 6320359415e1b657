//! Taking messages from a stream, one durable consumer for all replicas of a service.

use std::time::Duration;

use async_nats::jetstream::{self, AckKind, consumer::pull};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Bus, BusError, Carried, Message};
use crate::error::chain;

/// Pause before a broken consumer is made anew; its stream may have been wiped, or the bus be away.
const REPAIR_PAUSE: Duration = Duration::from_secs(1);

/// A message not settled within this time is given to somebody else.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// A durable consumer.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// Replicas with the same name share the work.
    pub name: &'static str,
    /// Which of the stream's subjects.
    pub filter: &'static str,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or done before.
    Done,
    /// Try again after this time.
    Again(Duration),
}

impl Bus {
    /// Handles messages until told to stop; whatever breaks is made anew.
    pub async fn consume<M: Message, F: Future<Output = Outcome>>(
        &self,
        consumer: Consumer,
        stopping: CancellationToken,
        handle: impl Fn(M, Carried) -> F,
    ) {
        while !stopping.is_cancelled() {
            let round = stopping.run_until_cancelled(self.consume_while_it_works(&consumer, &handle)).await;
            if let Some(Err(error)) = round {
                tracing::warn!(consumer = consumer.name, error = chain(&error), "the consumer is made anew");
                stopping.run_until_cancelled(tokio::time::sleep(REPAIR_PAUSE)).await;
            }
        }
    }

    async fn consume_while_it_works<M: Message, F: Future<Output = Outcome>>(
        &self,
        consumer: &Consumer,
        handle: &impl Fn(M, Carried) -> F,
    ) -> Result<(), BusError> {
        let stream = self.ensure_stream(&M::STREAM).await?;
        let config = pull::Config {
            durable_name: Some(consumer.name.to_owned()),
            filter_subject: consumer.filter.to_owned(),
            ack_wait: ACK_WAIT,
            ..Default::default()
        };
        let refused = |e: Box<dyn std::error::Error + Send + Sync>| BusError::Refused(e);
        let consumer =
            stream.get_or_create_consumer(consumer.name, config).await.map_err(|e| refused(e.into()))?;
        let mut messages = consumer.messages().await.map_err(|e| refused(e.into()))?;
        while let Some(next) = messages.next().await {
            let message = next.map_err(|e| refused(e.into()))?;
            settle(&message, handle).await?;
        }
        Ok(())
    }
}

async fn settle<M: Message, F: Future<Output = Outcome>>(
    message: &jetstream::Message,
    handle: &impl Fn(M, Carried) -> F,
) -> Result<(), BusError> {
    let carried = Carried::of(message.headers.as_ref());
    let ack = match M::decode(&message.payload) {
        Ok(decoded) => match handle(decoded, carried).await {
            Outcome::Done => AckKind::Ack,
            // A bare refusal is redelivered within a millisecond; always say when.
            Outcome::Again(delay) => AckKind::Nak(Some(delay)),
        },
        Err(error) => {
            tracing::warn!(subject = %message.subject, %error, "a message that cannot be read is dropped; what was accepted is in the record");
            AckKind::Term
        }
    };
    message.ack_with(ack).await.map_err(BusError::Refused)
}
