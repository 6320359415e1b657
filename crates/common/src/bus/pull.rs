//! One lane's messages, asked for ahead of their handling.
//!
//! The client library has such a stream too; this one can be told to ask for no more and then yields what has been fetched to its last
//! message, so that none of it has to wait until its time is over before somebody else gets it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use async_nats::{Client, StatusCode, Subject, Subscriber, client::PublishError, jetstream};
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture};
use tokio::time::{Sleep, sleep};

use super::BusError;

/// A server that is up and knows nothing of us any more (its store was wiped) is noticed after two of these.
const HEARTBEAT: Duration = Duration::from_secs(1);
const EXPIRES: Duration = Duration::from_secs(30);

/// More than are handled at once, so that nobody waits for the server; few enough that none waits here for long.
const AHEAD: usize = 32;

/// What the server is asked: so many, waited for so long, with a sign of life meanwhile.
#[derive(serde::Serialize)]
struct Asked {
    batch: usize,
    /// Nanoseconds, like the next.
    expires: u128,
    idle_heartbeat: u128,
}

/// A lane's messages. Ends when the client does, or when it was told to.
pub(super) struct Pull {
    client: Client,
    jetstream: jetstream::Context,
    /// Where messages are asked for.
    subject: Subject,
    inbox: Subject,
    fetched: Subscriber,
    asking: Option<BoxFuture<'static, Result<(), PublishError>>>,
    /// So many were asked for and have not come.
    owed: usize,
    silence: Option<Pin<Box<Sleep>>>,
    ending: bool,
}

impl Pull {
    /// Begins to listen for what this consumer is sent.
    pub async fn open(
        client: &Client,
        jetstream: &jetstream::Context,
        consumer: &jetstream::consumer::Info,
    ) -> Result<Self, BusError> {
        let inbox = Subject::from(client.new_inbox());
        let fetched = client.subscribe(inbox.clone()).await.map_err(|e| BusError::Refused(e.into()))?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", consumer.stream_name, consumer.name).into();
        let (client, jetstream) = (client.clone(), jetstream.clone());
        Ok(Self {
            client,
            jetstream,
            subject,
            inbox,
            fetched,
            asking: None,
            owed: 0,
            silence: None,
            ending: false,
        })
    }

    /// Asks for no more. What has been fetched is still to be taken, and then it ends.
    pub async fn end(&mut self) {
        self.ending = true;
        self.asking = None;
        // A client that cannot be told so is at its end, and its messages are too.
        let _ = self.fetched.drain().await;
    }

    /// Asks for more when there is room.
    fn ask(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BusError>> {
        while !self.ending && self.owed <= AHEAD / 2 {
            let (client, subject, inbox) = (&self.client, &self.subject, &self.inbox);
            let asking = self.asking.get_or_insert_with(|| {
                let (client, subject, inbox) = (client.clone(), subject.clone(), inbox.clone());
                async move { client.publish_with_reply(subject, inbox, request().into()).await }.boxed()
            });
            let asked = ready!(asking.poll_unpin(context));
            (self.asking, self.silence) = (None, None);
            asked.map_err(|error| BusError::Refused(error.into()))?;
            self.owed += AHEAD;
        }
        Poll::Ready(Ok(()))
    }

    /// What the server says when it sends no message.
    fn hear(&mut self, status: StatusCode, message: &async_nats::Message) -> Result<(), BusError> {
        match status {
            StatusCode::IDLE_HEARTBEAT => Ok(()),
            StatusCode::TIMEOUT => {
                let pending =
                    message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
                let pending = pending.and_then(|count| count.as_str().parse().ok()).unwrap_or(AHEAD);
                self.owed = self.owed.saturating_sub(pending);
                Ok(())
            }
            // The consumer is gone, its server is, or it takes no more questions.
            other => {
                let why = message.description.as_deref().unwrap_or_default();
                Err(BusError::Refused(format!("{other} {why}").into()))
            }
        }
    }
}

fn request() -> Vec<u8> {
    let asked = Asked { batch: AHEAD, expires: EXPIRES.as_nanos(), idle_heartbeat: HEARTBEAT.as_nanos() };
    serde_json::to_vec(&asked).unwrap_or_default()
}

impl Stream for Pull {
    type Item = Result<jetstream::Message, BusError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Poll::Ready(Err(error)) = self.ask(context) {
                return Poll::Ready(Some(Err(error)));
            }
            let Poll::Ready(next) = self.fetched.poll_next_unpin(context) else { break };
            self.silence = None;
            let Some(message) = next else { return Poll::Ready(None) };
            match message.status.filter(|status| *status != StatusCode::OK) {
                None => {
                    self.owed = self.owed.saturating_sub(1);
                    let context = self.jetstream.clone();
                    return Poll::Ready(Some(Ok(jetstream::Message { message, context })));
                }
                Some(status) => {
                    if let Err(error) = self.hear(status, &message) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(HEARTBEAT * 2)));
        ready!(silence.poll_unpin(context));
        self.silence = None;
        Poll::Ready(Some(Err(BusError::Timeout)))
    }
}
