//! Messages whose order counts, sent without waiting for each.

use std::time::Duration;

use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};

use super::{Bus, BusError, Carried, Message};

/// For the acknowledgement that comes last.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// How far a sequence came.
#[derive(Debug)]
pub struct Sent {
    /// So many from the front are in their stream.
    pub count: usize,
    /// What became of the next one. None of those behind it is in the stream either.
    pub stopped: Option<Stopped>,
}

/// Why a sequence was not sent to its end.
#[derive(Debug)]
pub enum Stopped {
    /// Somebody else's message came in between: the rest can be sent at once, as a sequence of its own.
    Interrupted,
    Failed(BusError),
}

impl Bus {
    /// Sends messages of one stream in this order, and then waits until the stream has them.
    ///
    /// Each is taken only if the one before it is the last that the stream has, so none overtakes one that was refused
    /// or lost on the way. One that the stream has already is not taken again, and counts as sent.
    pub async fn publish_in_order<M: Message>(&self, messages: &[(M, Carried)]) -> Sent {
        let (mut acks, mut refused) = (Vec::with_capacity(messages.len()), None);
        let mut before: Option<String> = None;
        for (message, carried) in messages {
            let id = message.dedup_id();
            match self.send_after(message, carried, &id, before.as_deref()).await {
                Ok(ack) => acks.push(ack),
                Err(error) => {
                    refused = Some(Stopped::Failed(error));
                    break;
                }
            }
            before = Some(id);
        }
        let mut count = 0;
        let all = async {
            for ack in acks {
                ack.await.map_err(|error| {
                    let interrupted = error.kind() == PublishErrorKind::WrongLastMessageId;
                    if interrupted {
                        Stopped::Interrupted
                    } else {
                        Stopped::Failed(BusError::Refused(error.into()))
                    }
                })?;
                count += 1;
            }
            Ok(())
        };
        let waited = tokio::time::timeout(ACK_TIMEOUT, all).await;
        let stopped = waited.unwrap_or(Err(Stopped::Failed(BusError::Timeout))).err();
        Sent { count, stopped: stopped.or(refused) }
    }

    async fn send_after<M: Message>(
        &self,
        message: &M,
        carried: &Carried,
        id: &str,
        before: Option<&str>,
    ) -> Result<PublishAckFuture, BusError> {
        let mut headers = carried.to_headers();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, id);
        if let Some(before) = before {
            headers.insert(async_nats::header::NATS_EXPECTED_LAST_MESSAGE_ID, before);
        }
        self.hand_over(self.subject_of(message), headers, message.encode()).await
    }
}
