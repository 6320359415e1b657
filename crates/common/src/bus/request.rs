//! Short questions between services: answered at once or not at all, nothing kept.

use std::{panic::AssertUnwindSafe, time::Duration};

use async_nats::Subscriber;
use futures::{FutureExt, Stream, StreamExt, stream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Bus, BusError, Carried, Malformed, traced};
use crate::{
    error::{Classify, Kind},
    service, telemetry,
};

/// A question that takes longer is an operation, not a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Questions answered side by side by one process: one about a server that is slow keeps no other waiting.
const AT_ONCE: usize = 16;

/// Why an answer is an error travels in this header, so that the body is always of one type.
const ERROR_KIND: &str = "rp9-error-kind";

/// A question and its answer.
pub trait Request: Sized + Send + Sync + 'static {
    /// The answer.
    type Reply: Send;
    /// Where it is asked, of whoever answers.
    const SUBJECT: &'static str;

    /// Which of those who answer is asked: the last token of the subject. `None`: whoever is there.
    fn place(&self) -> Option<&str> {
        None
    }

    fn encode(&self) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Result<Self, Malformed>;
    fn encode_reply(reply: &Self::Reply) -> Vec<u8>;
    fn decode_reply(bytes: &[u8]) -> Result<Self::Reply, Malformed>;
}

impl Bus {
    /// Asks, and waits for the answer.
    pub async fn request<R: Request>(&self, request: &R) -> Result<R::Reply, BusError> {
        if !self.is_connected() {
            return Err(BusError::Disconnected);
        }
        let headers = Carried { traceparent: telemetry::traceparent(), ..Carried::default() }.to_headers();
        let place = subject(R::SUBJECT, request.place());
        let asked = self.client.request_with_headers(place, headers, request.encode().into());
        let answer = timeout(ANSWER_TIMEOUT, asked).await.map_err(|_| BusError::Timeout)?;
        let answer = answer.map_err(|error| match error.kind() {
            async_nats::RequestErrorKind::NoResponders => BusError::NoResponders,
            async_nats::RequestErrorKind::TimedOut => BusError::Timeout,
            async_nats::RequestErrorKind::InvalidSubject
            | async_nats::RequestErrorKind::MaxPayloadExceeded
            | async_nats::RequestErrorKind::Other => BusError::Refused(error.into()),
        })?;
        let kind = answer.headers.as_ref().and_then(|h| h.get(ERROR_KIND)).map(|v| v.as_str().to_owned());
        match kind {
            None => Ok(R::decode_reply(&answer.payload)?),
            Some(kind) => Err(BusError::Remote {
                kind: serde_json::from_value(kind.into()).unwrap_or(Kind::Upstream),
                detail: String::from_utf8_lossy(&answer.payload).into_owned(),
            }),
        }
    }

    /// Answers questions that are asked of anybody, or of this place, until told to stop; replicas share them.
    pub async fn answer<R: Request, E: Classify, F: Future<Output = Result<R::Reply, E>>>(
        &self,
        group: &'static str,
        place: Option<&str>,
        stopping: CancellationToken,
        handle: impl Fn(R) -> F,
    ) -> Result<(), BusError> {
        let subscription = self.client.queue_subscribe(subject(R::SUBJECT, place), group.to_owned()).await;
        let questions = until_drained(subscription.map_err(|e| BusError::Refused(e.into()))?, stopping);
        questions.for_each_concurrent(AT_ONCE, |question| self.answer_one(question, &handle)).await;
        Ok(())
    }

    async fn answer_one<R: Request, E: Classify, F: Future<Output = Result<R::Reply, E>>>(
        &self,
        question: async_nats::Message,
        handle: impl Fn(R) -> F,
    ) {
        let Some(inbox) = question.reply else { return };
        let mut headers = async_nats::HeaderMap::new();
        // Whatever a question makes of its answer, the others are answered.
        let span = traced::handling(R::SUBJECT, &Carried::of(question.headers.as_ref()));
        let answered =
            AssertUnwindSafe(answer_to(&question.payload, handle)).catch_unwind().instrument(span).await;
        let payload = answered.unwrap_or_else(|panic| {
            service::panicked(R::SUBJECT, panic.as_ref());
            Err((Kind::Internal, String::new()))
        });
        let payload = payload.unwrap_or_else(|(kind, detail)| {
            headers.insert(ERROR_KIND, kind.as_str());
            detail.into_bytes()
        });
        // Whoever asked may be gone by now; there is nobody to tell.
        let _ = self.client.publish_with_headers(inbox, headers, payload.into()).await;
    }
}

fn subject(of_all: &str, place: Option<&str>) -> String {
    place.map_or_else(|| of_all.to_owned(), |place| format!("{of_all}.{place}"))
}

/// The answer's bytes, or why there is none.
async fn answer_to<R: Request, E: Classify, F: Future<Output = Result<R::Reply, E>>>(
    question: &[u8],
    handle: impl Fn(R) -> F,
) -> Result<Vec<u8>, (Kind, String)> {
    let request = R::decode(question).map_err(|error| (Kind::Invalid, error.to_string()))?;
    // An answer that comes later is nobody's, and one that never comes would be in the way of other questions for good.
    match timeout(ANSWER_TIMEOUT, handle(request)).await {
        Ok(Ok(reply)) => Ok(R::encode_reply(&reply)),
        Ok(Err(error)) => Err((error.kind(), error.public_detail())),
        Err(_) => Err((Kind::Timeout, "There was no answer in time.".into())),
    }
}

/// What is asked until told to stop, and what had been asked by then: from that moment on the server hands questions to others.
fn until_drained(
    subscription: Subscriber,
    stopping: CancellationToken,
) -> impl Stream<Item = async_nats::Message> {
    stream::unfold((subscription, stopping, false), async |(mut subscription, stopping, mut drained)| {
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled(), if !drained => {
                    drained = true;
                    // Without a connection nobody asks.
                    let _ = subscription.drain().await;
                }
                question = subscription.next() => {
                    return question.map(|question| (question, (subscription, stopping, drained)));
                }
            }
        }
    })
}
