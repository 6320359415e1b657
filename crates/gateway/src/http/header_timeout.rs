//! A connection whose peer, once it has begun a request, must get to the end of its headers. Between requests it may be silent for
//! longer: a proxy keeps connections for the next request, and one that we close first is a request lost. hyper's own
//! `header_read_timeout` counts from the end of the answer before, so it cannot tell the two apart.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http::StatusCode;
use hyper::body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Sleep,
};

/// The headers of a request are on their way; so they are at first.
const HEADERS: u8 = 0;
/// A request is being answered, or the connection is no longer HTTP.
const ANSWERING: u8 = 1;
/// The answer before is over, and nothing of the next request is here.
const IDLE: u8 = 2;

/// Where a connection is, known to its reader and to whoever answers.
#[derive(Clone, Default)]
pub struct Phase(Arc<AtomicU8>);

impl Phase {
    fn is(&self, phase: u8) -> bool {
        // Relaxed: one task does both, and nothing else is published by it.
        self.0.load(Ordering::Relaxed) == phase
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }

    /// A request's headers are complete.
    pub fn answering(&self) {
        self.set(ANSWERING);
    }

    /// Follows an answer to its last byte. What was upgraded does not come back.
    pub fn until_answered(&self, answer: Response) -> http::Response<Answer> {
        let upgraded = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let over = (!upgraded).then(|| Over(self.clone()));
        answer.map(|body| Answer { body, _over: over })
    }
}

/// The body of an answer that is followed to its end.
pub struct Answer {
    body: Body,
    _over: Option<Over>,
}

struct Over(Phase);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.set(IDLE);
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Ends reading with an error once headers take longer than this.
pub struct HeaderTimeout<S> {
    stream: S,
    phase: Phase,
    headers_within: Duration,
    /// Runs while headers are on their way.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> HeaderTimeout<S> {
    pub fn new(stream: S, phase: Phase, headers_within: Duration) -> Self {
        Self { stream, phase, headers_within, waiting: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeaderTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.phase.is(HEADERS) {
            self.waiting = None;
        }
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            if self.phase.is(IDLE) {
                self.phase.set(HEADERS);
            }
            return Poll::Ready(read);
        }
        if self.phase.is(HEADERS) {
            let within = self.headers_within;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
            ready!(waiting.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const HEADERS_WITHIN: Duration = Duration::from_secs(10);
    const LONGER: Duration = Duration::from_secs(60);

    async fn read(reader: &mut HeaderTimeout<impl AsyncRead + Unpin>) -> io::Result<u8> {
        reader.read_u8().await
    }

    #[tokio::test(start_paused = true)]
    async fn headers_take_so_long_at_most_and_silence_between_requests_is_as_long_as_it_likes() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let phase = Phase::default();
        let mut reader = HeaderTimeout::new(ours, phase.clone(), HEADERS_WITHIN);
        for _ in 0..2 {
            theirs.write_all(b"G").await.unwrap();
            read(&mut reader).await.unwrap();
            phase.answering();
            // A body may take its time as far as the connection is concerned.
            assert!(tokio::time::timeout(LONGER, read(&mut reader)).await.is_err());
            drop(phase.until_answered(Response::default()));
            assert!(tokio::time::timeout(LONGER, read(&mut reader)).await.is_err());
        }
        theirs.write_all(b"G").await.unwrap();
        read(&mut reader).await.unwrap();
        let begun = tokio::time::Instant::now();
        assert_eq!(read(&mut reader).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), HEADERS_WITHIN.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_gains_nothing_and_neither_does_saying_nothing_at_all() {
        for bytes in [true, false] {
            let (ours, mut theirs) = tokio::io::duplex(64);
            let mut reader = HeaderTimeout::new(ours, Phase::default(), HEADERS_WITHIN);
            let begun = tokio::time::Instant::now();
            let trickle = async {
                loop {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    if bytes {
                        theirs.write_all(b"x").await.unwrap();
                    }
                }
            };
            let reading = async { while read(&mut reader).await.is_ok() {} };
            tokio::select! { () = reading => {}, () = trickle => {} }
            assert_eq!(begun.elapsed().as_secs(), HEADERS_WITHIN.as_secs());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_http_has_no_headers_to_wait_for() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let phase = Phase::default();
        let mut reader = HeaderTimeout::new(ours, phase.clone(), HEADERS_WITHIN);
        phase.answering();
        let mut upgraded = Response::default();
        *upgraded.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        drop(phase.until_answered(upgraded));
        theirs.write_all(b"x").await.unwrap();
        read(&mut reader).await.unwrap();
        assert!(tokio::time::timeout(LONGER, read(&mut reader)).await.is_err());
    }
}
