//! Short questions between services: answered at once or not at all, nothing kept.

use std::time::Duration;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Bus, BusError, Malformed};
use crate::error::{Classify, Kind};

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
    /// Where it is asked.
    const SUBJECT: &'static str;

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
        let asked = self.client.request(R::SUBJECT, request.encode().into());
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, asked).await.map_err(|_| BusError::Timeout)?;
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

    /// Answers questions until told to stop; replicas share them.
    pub async fn answer<R: Request, E: Classify, F: Future<Output = Result<R::Reply, E>>>(
        &self,
        group: &'static str,
        stopping: CancellationToken,
        handle: impl Fn(R) -> F,
    ) -> Result<(), BusError> {
        let subscription = self.client.queue_subscribe(R::SUBJECT, group.to_owned()).await;
        let questions = subscription.map_err(|e| BusError::Refused(e.into()))?;
        let questions = questions.take_until(stopping.cancelled_owned());
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
        let payload = match R::decode(&question.payload) {
            // An answer that comes later is nobody's, and one that never comes would be in the way of other questions for good.
            Ok(request) => match tokio::time::timeout(ANSWER_TIMEOUT, handle(request)).await {
                Err(_) => {
                    headers.insert(ERROR_KIND, Kind::Timeout.as_str());
                    "There was no answer in time.".into()
                }
                Ok(Ok(reply)) => R::encode_reply(&reply),
                Ok(Err(error)) => {
                    headers.insert(ERROR_KIND, error.kind().as_str());
                    error.public_detail().into_bytes()
                }
            },
            Err(error) => {
                headers.insert(ERROR_KIND, Kind::Invalid.as_str());
                error.to_string().into_bytes()
            }
        };
        // Whoever asked may be gone by now; there is nobody to tell.
        let _ = self.client.publish_with_headers(inbox, headers, payload.into()).await;
    }
}
