//! The sockets: how many connections there are, and how many bytes, headers and seconds each gets.

mod config;
mod places;

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use common::service::Tasks;
use futures::{FutureExt, TryFutureExt};
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::AsyncWrite,
    net::{TcpListener, TcpStream},
};
use tokio_io_timeout::TimeoutWriter;

use self::places::{Place, Places};
use super::{
    header_timeout::{HeaderTimeout, Phase},
    headers,
};

pub use config::Sockets;

/// Longer than a bad connection takes to recover, shorter than anybody should hold a place without reading.
const TAKES_WITHIN: Duration = Duration::from_secs(30);
/// Out of file descriptors, most likely; some will come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the router until told to stop; requests in hand are answered first.
pub fn serve(tasks: &Tasks, name: &'static str, listener: TcpListener, router: Router, sockets: Sockets) {
    let (tracked, stopping) = (tasks.clone(), tasks.stopping());
    let places = Places::new(name, sockets.connections);
    tasks.spawn(name, async move {
        while let Some(admitted) = stopping.run_until_cancelled(admit(&listener, &places)).await {
            match admitted {
                Ok((stream, place)) => {
                    let served = serve_connection(stream, router.clone(), sockets, stopping.clone());
                    tracked.spawn_one("connection", async move {
                        served.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    });
}

/// The next connection, once there is a place for it. Until then it waits in the kernel's queue, which costs us nothing.
async fn admit(listener: &TcpListener, places: &Arc<Places>) -> io::Result<(TcpStream, Place)> {
    let place = places.take().await?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    sockets: Sockets,
    stopping: tokio_util::sync::CancellationToken,
) {
    // Answers are small and written whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // It runs while nothing is asked too. Headers that have begun are waited for by `HeaderTimeout`, which is less patient.
        .header_read_timeout(sockets.keep_alive.max(sockets.headers_within))
        .max_buf_size(headers::PARSED_BYTES)
        .max_headers(headers::PARSED_COUNT);
    let phase = Phase::default();
    let (from, to) = stream.into_split();
    let from = HeaderTimeout::new(from, phase.clone(), sockets.headers_within);
    let stream = TokioIo::new(tokio::io::join(from, taken_within(TAKES_WITHIN, to)));
    // hyper keeps room for an answer that is being made for as long as the connection lasts. In a box of its own it is
    // only there meanwhile: a stream of events lasts for hours, and so do most connections in which nothing is asked.
    let answers = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        phase.answering();
        let phase = phase.clone();
        answers.call(request).map_ok(move |answer| phase.until_answered(answer)).boxed()
    });
    let mut served = pin!(builder.serve_connection(stream, service).with_upgrades());
    // Errors here are the peer's: it went away, or it sent what is not HTTP.
    tokio::select! {
        _ = served.as_mut() => {}
        () = stopping.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}

/// Ends writing with an error once the peer has taken nothing for this long. Otherwise a peer that stops reading a stream of events would
/// keep its connection, and its place among the clients, for ever.
fn taken_within<W: AsyncWrite>(patience: Duration, to: W) -> Pin<Box<TimeoutWriter<W>>> {
    let mut to = TimeoutWriter::new(to);
    to.set_timeout(Some(patience));
    Box::pin(to)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_and_one_that_takes_slowly_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let mut patient = taken_within(Duration::from_secs(30), ours);
        let slow = async {
            let mut taken = [0; 8];
            for _ in 0..4 {
                tokio::time::advance(Duration::from_secs(20)).await;
                theirs.read_exact(&mut taken).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(patient.write_all(&[0; 40]), slow);
        written.expect("it was taken in time");
        let error = patient.write_all(&[0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
