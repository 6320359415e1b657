//! A stand-in for a gateway: it says what it was told to say, checks what a gateway would check, remembers keys, and hangs up
//! when it is told to.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use super::HMAC_SECRET;

/// What is said to a request.
#[derive(Debug, Clone)]
pub enum Turn {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection ends without a word.
    HangUp,
    /// A stream of these bytes, which stays open for ever, or breaks off when the next request arrives: then they were read.
    Stream { bytes: String, breaks: bool },
}

impl Turn {
    /// JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Answer(status, vec![("content-type", "application/json".into())], body.into())
    }

    /// A problem document.
    pub fn problem(status: u16, code: &str) -> Self {
        Self::json(
            status,
            format!(r#"{{"code":"{code}","title":"t","detail":"It is {code}.","trace_id":"abc123"}}"#),
        )
    }

    /// With this header too.
    pub fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.into()));
                Self::Answer(status, headers, body)
            }
            other @ (Self::HangUp | Self::Stream { .. }) => other,
        }
    }
}

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub line: String,
    pub key: Option<String>,
    pub last_event_id: Option<String>,
    pub authorization: String,
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    /// What is said next, by method and path; the last of it again and again.
    script: HashMap<String, VecDeque<Turn>>,
    seen: Vec<Seen>,
    arrived: Arc<Notify>,
}

/// The stand-in; it is gone when this is dropped.
pub struct Gateway {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Gateway {
    /// One that answers 404 to everything.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::<Mutex<State>>::default());
        let accepting = spawn(accept(listener, state.clone()));
        Self { address, state, accepting }
    }

    /// Says these in turn to such requests (`GET /tenants`, whatever the query), the last one again and again.
    pub fn says(&self, line: &str, turns: impl IntoIterator<Item = Turn>) -> &Self {
        self.state.lock().unwrap().script.entry(line.to_owned()).or_default().extend(turns);
        self
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that arrived.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// What arrived on a path.
    pub fn seen_at(&self, line: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.line.split('?').next() == Some(line)).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "ends with the test, which waits for nobody")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        spawn(async move {
            let serving = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service_fn(|request| answer(request, state.clone())));
            // Hanging up is an error to the server, and meant.
            drop(serving.await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<BoxBody<Bytes, io::Error>>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let line = format!("{} {}", parts.method, parts.uri);
    let key = header("idempotency-key");
    check_signature(&line, &header, key.as_deref(), &body);
    let (turn, next) = {
        let mut state = state.lock().unwrap();
        state.arrived.notify_waiters();
        state.seen.push(Seen {
            line: line.clone(),
            key,
            last_event_id: header("last-event-id"),
            authorization: header("authorization").unwrap_or_default(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        });
        let turns = state.script.get_mut(line.split('?').next().unwrap());
        let turn =
            turns.and_then(|turns| if turns.len() > 1 { turns.pop_front() } else { turns.front().cloned() });
        (turn, state.arrived.clone().notified_owned())
    };
    match turn.unwrap_or_else(|| Turn::problem(404, "not_found")) {
        Turn::HangUp => Err(io::Error::other("hung up")),
        Turn::Answer(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(whole(body)).unwrap())
        }
        Turn::Stream { bytes, breaks } => {
            let first = stream::iter([Ok(Frame::data(Bytes::from(bytes)))]);
            let rest = stream::once(async move {
                if breaks {
                    next.await;
                    return Err(io::Error::other("cut off"));
                }
                std::future::pending().await
            });
            let body = BodyExt::boxed(StreamBody::new(first.chain(rest)));
            Ok(Response::builder().header("content-type", "text/event-stream").body(body).unwrap())
        }
    }
}

/// As the gateway checks it, from the contract alone.
fn check_signature(
    line: &str,
    header: &impl Fn(&'static str) -> Option<String>,
    key: Option<&str>,
    body: &[u8],
) {
    let (method, target) = line.split_once(' ').unwrap();
    let timestamp = header("x-rp9-timestamp").expect("it is signed");
    let digest = hex::encode(Sha256::digest(body));
    let signed = format!("{timestamp}\n{method}\n{target}\n{digest}\n{}", key.unwrap_or_default());
    let shown = header("authorization").unwrap_or_default();
    let shown = shown.strip_prefix("Bearer ").unwrap_or_default();
    let secret = if shown.starts_with("rp9_") { shown } else { HMAC_SECRET };
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(signed);
    let expected = format!("v2={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(header("x-rp9-signature"), Some(expected), "{line}");
}

fn whole(body: String) -> BoxBody<Bytes, io::Error> {
    let never = |error: Infallible| match error {};
    BodyExt::boxed(http_body_util::Full::new(Bytes::from(body)).map_err(never))
}
