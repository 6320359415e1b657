//! Taking messages from a stream: durable consumers shared by all replicas of a service, the most urgent lane first.

use async_nats::jetstream::{self, AckKind};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio_util::sync::CancellationToken;

use super::{
    Bus, BusError, Carried, Message,
    attempt::Attempt,
    consumer::{Consumer, Outcome},
    source::Source,
};
use crate::{dead_letters::DeadLetters, error::chain};

impl Bus {
    /// Handles messages until told to stop; whatever breaks is made anew, and what is in hand meanwhile is finished. Handling
    /// is repeated after crashes and lost acknowledgements, so doing it twice must be harmless.
    ///
    /// Told to stop, it finishes what it has begun, and gives back at once what it has only fetched: another replica has it then.
    pub async fn consume<M: Message, F: Future<Output = Outcome>>(
        &self,
        consumer: Consumer,
        dead: DeadLetters,
        stopping: CancellationToken,
        handle: impl Fn(M, Carried) -> F,
    ) {
        let spec = M::STREAM;
        let mut messages = Source::new(self, &spec, &consumer, &stopping).messages();
        let mut begun = FuturesUnordered::new();
        while !stopping.is_cancelled() {
            tokio::select! {
                Some(()) = begun.next(), if !begun.is_empty() => {}
                Some(message) = messages.next(), if begun.len() < consumer.at_once => {
                    if stopping.is_cancelled() {
                        give_back(message, consumer.service).await;
                    } else {
                        begun.push(settle(message, &consumer, &dead, &stopping, &handle));
                    }
                }
                () = stopping.cancelled() => {}
            }
        }
        let rest = messages.for_each(|message| give_back(message, consumer.service));
        futures::join!(rest, begun.for_each(async |()| ()));
    }
}

async fn settle<M: Message, F: Future<Output = Outcome>>(
    message: jetstream::Message,
    consumer: &Consumer,
    dead: &DeadLetters,
    stopping: &CancellationToken,
    handle: &impl Fn(M, Carried) -> F,
) {
    let attempt = Attempt { service: consumer.service, message: &message, dead, stopping };
    if let Err(error) = attempt.settle(handle).await {
        // It comes again; what was done for it is done, or is done again.
        tracing::warn!(consumer = consumer.service, error = chain(&error), "a message is not settled");
    }
}

async fn give_back(message: jetstream::Message, consumer: &'static str) {
    if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
        let error = chain(&BusError::Refused(error));
        tracing::debug!(consumer, error, "a message waits until its time is over");
    }
}
