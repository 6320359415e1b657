//! What passes through a stream.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{Stored, Stream};

/// What has passed so far.
#[derive(Clone, Default)]
pub struct Counted(Arc<Mutex<Passed>>);

#[derive(Default)]
struct Passed {
    sum: Sha256,
    bytes: u64,
    failed: bool,
}

struct Counting {
    stream: Stream,
    counted: Counted,
}

/// The same stream, counted.
pub fn counted(stream: Stream) -> (Stream, Counted) {
    let counted = Counted::default();
    (Box::pin(Counting { stream, counted: counted.clone() }), counted)
}

impl Counted {
    /// What has passed. Whoever wants to know of all of it reads to the end first.
    pub fn passed(&self) -> Stored {
        let passed = self.passed_so_far();
        Stored { bytes: passed.bytes, sha256: hex::encode(passed.sum.clone().finalize()) }
    }

    /// Whether the stream itself failed: what came of it says nothing then.
    pub fn failed(&self) -> bool {
        self.passed_so_far().failed
    }

    fn passed_so_far(&self) -> std::sync::MutexGuard<'_, Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(self.stream.as_mut().poll_read(context, buffer));
        let mut passed = self.counted.passed_so_far();
        let new = buffer.filled().get(before..).unwrap_or_default();
        passed.sum.update(new);
        passed.bytes += new.len() as u64;
        passed.failed |= read.is_err();
        Poll::Ready(read)
    }
}
