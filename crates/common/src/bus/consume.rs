//! Taking messages from a stream: durable consumers shared by all replicas of a service, the most urgent lane first.

use std::time::Duration;

use async_nats::jetstream;
use futures::{StreamExt, stream::BoxStream};
use tokio_util::sync::CancellationToken;

use super::{Bus, Carried, Message, attempt::Attempt, source::Source};
use crate::{
    dead_letters::DeadLetters,
    error::{Classify, Kind, chain},
};

/// A message about which nothing is heard for so long is given to somebody else.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(30);

/// What a service takes from a stream.
#[derive(Debug, Clone, Copy)]
pub struct Consumer {
    /// Who takes it: the name that is on its dead letters.
    pub service: &'static str,
    /// The most urgent first.
    pub lanes: &'static [Lane],
    /// So many messages are handled at once; one that waits delays no other.
    pub at_once: usize,
    /// Durable consumers that earlier versions made and that are in the way of the lanes.
    pub retired: &'static [&'static str],
}

/// One durable consumer.
#[derive(Debug, Clone, Copy)]
pub struct Lane {
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
    /// Not done. The kind decides whether it is tried again; the detail is for whoever reads the dead letter.
    Failed { kind: Kind, detail: String },
}

impl Outcome {
    /// The outcome of an attempt that ended in this error.
    pub fn failed(error: &impl Classify) -> Self {
        tracing::warn!(error = chain(error), "a message could not be handled");
        Self::Failed { kind: error.kind(), detail: error.public_detail() }
    }
}

impl Bus {
    /// Handles messages until told to stop; whatever breaks is made anew, and what is in hand meanwhile is finished. Handling
    /// is repeated after crashes and lost acknowledgements, so doing it twice must be harmless.
    pub async fn consume<M: Message, F: Future<Output = Outcome>>(
        &self,
        consumer: Consumer,
        dead: DeadLetters,
        stopping: CancellationToken,
        handle: impl Fn(M, Carried) -> F,
    ) {
        let spec = M::STREAM;
        let messages = Source::new(self, &spec, &consumer).messages();
        stopping.run_until_cancelled(settle_all(messages, &consumer, &dead, &handle)).await;
    }
}

async fn settle_all<M: Message, F: Future<Output = Outcome>>(
    messages: BoxStream<'_, jetstream::Message>,
    consumer: &Consumer,
    dead: &DeadLetters,
    handle: &impl Fn(M, Carried) -> F,
) {
    let settled = messages.for_each_concurrent(consumer.at_once, |message| async move {
        let attempt = Attempt { service: consumer.service, message: &message, dead };
        if let Err(error) = attempt.settle(handle).await {
            // It comes again; what was done for it is done, or is done again.
            tracing::warn!(consumer = consumer.service, error = chain(&error), "a message is not settled");
        }
    });
    settled.await;
}
