//! The sockets: how many bytes, headers and seconds a connection gets.

use std::{pin::pin, time::Duration};

use axum::Router;
use common::service::Tasks;
use futures::FutureExt;
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
use tokio::net::{TcpListener, TcpStream};

use super::patient::Patient;

/// Also the most that a request's headers can be; hyper's own default is 400 kB a connection.
const BUFFER_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// From the first byte of a request, or the end of the one before, to the end of its headers.
const HEADERS_ARRIVE_WITHIN: Duration = Duration::from_secs(30);
/// Longer than a bad connection takes to recover, shorter than anybody should hold a place without reading.
const TAKES_WITHIN: Duration = Duration::from_secs(30);
/// Out of file descriptors, most likely; some will come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the router until told to stop; requests in hand are answered first.
pub fn serve(tasks: &Tasks, name: &'static str, listener: TcpListener, router: Router) {
    let (tracked, stopping) = (tasks.clone(), tasks.stopping());
    tasks.spawn(name, async move {
        while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, router.clone(), stopping.clone());
                    tracked.spawn("connection", connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    });
}

async fn connection(stream: TcpStream, router: Router, stopping: tokio_util::sync::CancellationToken) {
    // Answers are small and written whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_ARRIVE_WITHIN)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS);
    let stream = TokioIo::new(Patient::new(stream, TAKES_WITHIN));
    // hyper keeps room for an answer that is being made for as long as the connection lasts. In a box of its own it is
    // only there meanwhile: a stream of events lasts for hours, and so do most connections in which nothing is asked.
    let answers = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| answers.call(request).boxed());
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
