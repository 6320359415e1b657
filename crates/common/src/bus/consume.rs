//! Taking messages from a stream: durable consumers shared by all replicas of a service, the most urgent lane first.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull};
use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use super::{Bus, BusError, Carried, Message, attempt::Attempt, urgency::ByUrgency};
use crate::{
    dead_letters::DeadLetters,
    error::{Classify, Kind, chain},
};

/// Pause before a broken consumer is made anew; its stream may have been wiped, or the bus be away.
const REPAIR_PAUSE: Duration = Duration::from_secs(1);

/// A message about which nothing is heard for so long is given to somebody else.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(30);

/// A server that is up and knows nothing of us any more (its store was wiped) is noticed after two of these.
const HEARTBEAT: Duration = Duration::from_secs(1);
const PULL_EXPIRES: Duration = Duration::from_secs(30);

/// More than are handled at once, so that nobody waits for the server; few enough that none waits here for long.
const AHEAD: usize = 32;

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
    /// Handles messages until told to stop; whatever breaks is made anew. Handling is repeated after crashes and lost
    /// acknowledgements, so doing it twice must be harmless.
    pub async fn consume<M: Message, F: Future<Output = Outcome>>(
        &self,
        consumer: Consumer,
        dead: DeadLetters,
        stopping: CancellationToken,
        handle: impl Fn(M, Carried) -> F,
    ) {
        while !stopping.is_cancelled() {
            let working = self.consume_while_it_works(&consumer, &dead, &handle);
            if let Some(Err(error)) = stopping.run_until_cancelled(working).await {
                tracing::warn!(
                    service = consumer.service,
                    error = chain(&error),
                    "the consumer is made anew"
                );
                stopping.run_until_cancelled(tokio::time::sleep(REPAIR_PAUSE)).await;
            }
        }
    }

    async fn consume_while_it_works<M: Message, F: Future<Output = Outcome>>(
        &self,
        consumer: &Consumer,
        dead: &DeadLetters,
        handle: &impl Fn(M, Carried) -> F,
    ) -> Result<(), BusError> {
        let stream = self.ensure_stream(&M::STREAM).await?;
        for retired in consumer.retired {
            // Gone already is as good.
            let _ = stream.delete_consumer(retired).await;
        }
        let mut lanes = Vec::with_capacity(consumer.lanes.len());
        for lane in consumer.lanes {
            lanes.push(open(&stream, lane).await?);
        }
        ByUrgency::new(lanes)
            .map_err(|error| BusError::Refused(error.into()))
            .try_for_each_concurrent(consumer.at_once, |message| async move {
                Attempt { service: consumer.service, message: &message, dead }.settle(handle).await
            })
            .await
    }
}

async fn open(stream: &jetstream::stream::Stream, lane: &Lane) -> Result<pull::Stream, BusError> {
    let config = pull::Config {
        durable_name: Some(lane.name.to_owned()),
        filter_subject: lane.filter.to_owned(),
        ack_wait: ACK_WAIT,
        ..Default::default()
    };
    let consumer =
        stream.get_or_create_consumer(lane.name, config).await.map_err(|e| BusError::Refused(e.into()))?;
    let messages = consumer.stream().max_messages_per_batch(AHEAD).heartbeat(HEARTBEAT).expires(PULL_EXPIRES);
    messages.messages().await.map_err(|e| BusError::Refused(e.into()))
}
