//! When it is time to look again: something happened, or long enough has passed.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use reqwest::{Body, StatusCode};
use sse_stream::{Sse, SseStream};

use crate::api::{Api, path};

/// Without a stream.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// With one that says nothing: a proxy may hold it back, the other side may be gone without a word.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);

/// An operation's events, as far as they can be had.
pub struct News<'a> {
    api: &'a Api,
    target: String,
    /// Where the next stream goes on.
    last_id: Option<String>,
    source: Source,
}

enum Source {
    Open(Box<SseStream<Body>>),
    Closed,
    /// It will not be given to us.
    Refused,
}

impl<'a> News<'a> {
    /// From the operation's beginning.
    pub fn of(api: &'a Api, id: &str) -> Self {
        Self { api, target: path(&["operations", id, "events"]), last_id: None, source: Source::Closed }
    }

    /// Returns when it is time to look.
    pub async fn wait(&mut self) {
        if let Source::Closed = self.source {
            self.open().await;
        }
        let Source::Open(stream) = &mut self.source else {
            return tokio::time::sleep(LOOK_EVERY).await;
        };
        match tokio::time::timeout(LOOK_ANYWAY, stream.next()).await {
            Err(_) => {}
            Ok(Some(Ok(event))) => self.take(event),
            Ok(Some(Err(_)) | None) => {
                self.source = Source::Closed;
                // Who was cut off together does not come back together.
                tokio::time::sleep(LOOK_EVERY.mul_f64(0.5 + fastrand::f64())).await;
            }
        }
    }

    async fn open(&mut self) {
        let opened =
            tokio::time::timeout(LOOK_ANYWAY, self.api.stream(&self.target, self.last_id.as_deref()));
        self.source = match opened.await {
            Ok(Ok(response)) => Source::Open(Box::new(SseStream::new(Body::from(response)))),
            Ok(Err(error)) if error.status().is_some_and(is_final) => Source::Refused,
            Ok(Err(_)) | Err(_) => Source::Closed,
        };
    }

    /// Several that came together are one reason to look.
    fn take(&mut self, first: Sse) {
        self.last_id = first.id.or(self.last_id.take());
        while let Source::Open(stream) = &mut self.source {
            match stream.next().now_or_never() {
                Some(Some(Ok(event))) => self.last_id = event.id.or(self.last_id.take()),
                Some(Some(Err(_)) | None) => self.source = Source::Closed,
                None => break,
            }
        }
    }
}

/// Whether asking again would be answered the same.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS
}
