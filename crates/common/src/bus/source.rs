//! Where a consumer's messages come from: its lanes, opened on whatever connection there is, and opened anew when they break.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use super::{
    Bus, BusError, StreamSpec,
    consume::{ACK_WAIT, Consumer, Lane},
    link::Connection,
    urgency::ByUrgency,
};
use crate::{backoff::growing, error::chain};

/// Between attempts to open lanes: a server that has just started needs a moment; one that is broken is not to be stormed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A server that is up and knows nothing of us any more (its store was wiped) is noticed after two of these.
const HEARTBEAT: Duration = Duration::from_secs(1);
const PULL_EXPIRES: Duration = Duration::from_secs(30);

/// More than are handled at once, so that nobody waits for the server; few enough that none waits here for long.
const AHEAD: usize = 32;

/// A consumer's messages, without end.
pub(super) struct Source<'a> {
    bus: &'a Bus,
    spec: &'a StreamSpec,
    consumer: &'a Consumer,
    open: Option<Open>,
    /// So many times in a row.
    broke: u32,
}

/// Lanes, and the connection that they were opened on.
struct Open {
    on: Connection,
    lanes: ByUrgency<pull::Stream>,
}

impl<'a> Source<'a> {
    pub fn new(bus: &'a Bus, spec: &'a StreamSpec, consumer: &'a Consumer) -> Self {
        Self { bus, spec, consumer, open: None, broke: 0 }
    }

    /// All of them.
    pub fn messages(self) -> BoxStream<'a, jetstream::Message> {
        stream::unfold(self, async |mut source| Some((source.next().await, source))).boxed()
    }

    /// The next message, however long it takes and whatever breaks meanwhile.
    async fn next(&mut self) -> jetstream::Message {
        loop {
            let connection = self.bus.link.established().await;
            let taken = tokio::select! {
                biased;
                () = self.bus.link.replaced(connection) => continue,
                taken = self.take(connection) => taken,
            };
            match taken {
                Ok(message) => {
                    self.broke = 0;
                    return message;
                }
                Err(error) => self.mend(&error).await,
            }
        }
    }

    async fn take(&mut self, connection: Connection) -> Result<jetstream::Message, BusError> {
        let open = match &mut self.open {
            Some(open) if open.on == connection => open,
            _ => self
                .open
                .insert(Open { on: connection, lanes: lanes(self.bus, self.spec, self.consumer).await? }),
        };
        let taken = open.lanes.next().await.ok_or(BusError::Disconnected)?;
        taken.map_err(|error| BusError::Refused(error.into()))
    }

    async fn mend(&mut self, error: &BusError) {
        self.open = None;
        self.broke = self.broke.saturating_add(1);
        tracing::warn!(consumer = self.consumer.service, error = chain(error), "the consumer is made anew");
        tokio::time::sleep(growing(FIRST_PAUSE, LONGEST_PAUSE, self.broke)).await;
    }
}

/// Makes what is missing, and opens it.
async fn lanes(
    bus: &Bus,
    spec: &StreamSpec,
    consumer: &Consumer,
) -> Result<ByUrgency<pull::Stream>, BusError> {
    let stream = bus.ensure_stream(spec).await?;
    for retired in consumer.retired {
        // Gone already is as good.
        let _ = stream.delete_consumer(retired).await;
    }
    let mut lanes = Vec::with_capacity(consumer.lanes.len());
    for lane in consumer.lanes {
        lanes.push(open(&stream, lane).await?);
    }
    Ok(ByUrgency::new(lanes))
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
