//! Where a consumer's messages come from: its lanes, opened on whatever connection there is, and opened anew when they break.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull::Config};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    Bus, BusError, StreamSpec,
    consumer::{ACK_WAIT, Consumer, Lane},
    link::Connection,
    pull::Pull,
    urgency::ByUrgency,
};
use crate::{backoff::growing, error::chain};

/// Between attempts to open lanes: a server that has just started needs a moment; one that is broken is not to be stormed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// For the server to say that it sends no more: one round trip.
const ENDS_WITHIN: Duration = Duration::from_secs(1);

/// A consumer's messages, until the process stops.
pub(super) struct Source<'a> {
    bus: &'a Bus,
    spec: &'a StreamSpec,
    consumer: &'a Consumer,
    stopping: &'a CancellationToken,
    open: Option<Open>,
    /// Fetched and not taken when it was time to stop.
    left: Vec<jetstream::Message>,
    /// So many times in a row.
    broke: u32,
}

/// Lanes, and the connection that they were opened on.
struct Open {
    on: Connection,
    lanes: ByUrgency<Pull>,
}

impl<'a> Source<'a> {
    pub fn new(
        bus: &'a Bus,
        spec: &'a StreamSpec,
        consumer: &'a Consumer,
        stopping: &'a CancellationToken,
    ) -> Self {
        Self { bus, spec, consumer, stopping, open: None, left: vec![], broke: 0 }
    }

    /// All of them. Ends behind the last one that had been fetched when it was time to stop.
    pub fn messages(self) -> BoxStream<'a, jetstream::Message> {
        let next = async |mut source: Self| source.next().await.map(|message| (message, source));
        stream::unfold(self, next).fuse().boxed()
    }

    /// The next message, however long it takes and whatever breaks meanwhile.
    async fn next(&mut self) -> Option<jetstream::Message> {
        let stopping = self.stopping;
        if let Some(message) = stopping.run_until_cancelled(self.next_of_all()).await {
            return Some(message);
        }
        if let Some(mut open) = self.open.take() {
            self.left = fetched(&mut open.lanes).await;
        }
        self.left.pop()
    }

    async fn next_of_all(&mut self) -> jetstream::Message {
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
        open.lanes.next().await.ok_or(BusError::Disconnected)?
    }

    async fn mend(&mut self, error: &BusError) {
        self.open = None;
        self.broke = self.broke.saturating_add(1);
        tracing::warn!(consumer = self.consumer.service, error = chain(error), "the consumer is made anew");
        tokio::time::sleep(growing(FIRST_PAUSE, LONGEST_PAUSE, self.broke)).await;
    }
}

/// Makes what is missing, and opens it.
async fn lanes(bus: &Bus, spec: &StreamSpec, consumer: &Consumer) -> Result<ByUrgency<Pull>, BusError> {
    let stream = bus.ensure_stream(spec).await?;
    for retired in consumer.retired {
        // Gone already is as good.
        let _ = stream.delete_consumer(retired).await;
    }
    let mut lanes = Vec::with_capacity(consumer.lanes.len());
    for lane in consumer.lanes {
        lanes.push(open(bus, &stream, lane).await?);
    }
    Ok(ByUrgency::new(lanes))
}

async fn open(bus: &Bus, stream: &jetstream::stream::Stream, lane: &Lane) -> Result<Pull, BusError> {
    let config = Config {
        durable_name: Some(lane.name.to_owned()),
        filter_subject: lane.filter.to_owned(),
        ack_wait: ACK_WAIT,
        ..Default::default()
    };
    let consumer =
        stream.get_or_create_consumer(lane.name, config).await.map_err(|e| BusError::Refused(e.into()))?;
    Pull::open(&bus.client, &bus.jetstream, consumer.cached_info()).await
}

/// Ends the lanes, and what they have fetched.
async fn fetched(lanes: &mut ByUrgency<Pull>) -> Vec<jetstream::Message> {
    let mut fetched = Vec::new();
    // All of them before the first is emptied: what is given back must not come here again.
    for lane in lanes.iter_mut() {
        lane.end().await;
    }
    for lane in lanes.iter_mut() {
        // A lane that is broken ends too; so does one whose server does not answer, though its messages then wait for their time.
        while let Ok(Some(Ok(message))) = timeout(ENDS_WITHIN, lane.next()).await {
            fetched.push(message);
        }
    }
    fetched
}
