//! What a thread writes, as a stream that ends well only if the thread did.

use std::{
    future::Future as _,
    io::{self, Write},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, DuplexStream, ReadBuf},
    task::JoinHandle,
};
use tokio_util::io::SyncIoBridge;

/// What the writing side may be ahead.
const ROOM: usize = 256 << 10;

/// The reading side.
pub struct Pipe<T> {
    stream: DuplexStream,
    work: Option<JoinHandle<io::Result<T>>>,
    end: End<T>,
    abandoned: Abandoned,
}

/// Whether nobody reads any more.
#[derive(Clone, Default)]
pub struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    /// Fails once nobody does.
    pub fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

type End<T> = Box<dyn FnOnce(T) + Send>;

/// Has `work` done by a thread that may block, and gives what it writes. Whoever stops reading ends it at its next write, or when it next asks
/// whether anybody reads: what compresses well is seldom written. What it returns at a good end is handed to `end` before the reader learns of
/// the end.
pub fn pipe<T: Send + 'static>(
    work: impl FnOnce(&mut dyn Write, &Abandoned) -> io::Result<T> + Send + 'static,
    end: impl FnOnce(T) + Send + 'static,
) -> Pipe<T> {
    let (stream, other) = tokio::io::duplex(ROOM);
    let (mut writer, abandoned) = (SyncIoBridge::new(other), Abandoned::default());
    let told = abandoned.clone();
    let work = tokio::task::spawn_blocking(move || {
        let done = work(&mut writer, &told)?;
        writer.shutdown()?;
        Ok(done)
    });
    Pipe { stream, work: Some(work), end: Box::new(end), abandoned }
}

impl<T> Drop for Pipe<T> {
    fn drop(&mut self) {
        self.abandoned.0.store(true, Ordering::Relaxed);
    }
}

impl<T: Send + 'static> AsyncRead for Pipe<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let pipe = self.get_mut();
        let before = buffer.filled().len();
        let Poll::Ready(read) = pin!(&mut pipe.stream).poll_read(context, buffer) else {
            return Poll::Pending;
        };
        read?;
        if buffer.filled().len() > before || buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Some(work) = &mut pipe.work else { return Poll::Ready(Ok(())) };
        let Poll::Ready(done) = pin!(work).poll(context) else { return Poll::Pending };
        pipe.work = None;
        let done = done.map_err(io::Error::other)??;
        std::mem::replace(&mut pipe.end, Box::new(drop))(done);
        Poll::Ready(Ok(()))
    }
}
