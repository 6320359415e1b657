//! Requests as bytes: those that no client would send.

use std::{fmt, time::Duration};

use testkit::portal::Caller;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

const BYTE_EVERY: Duration = Duration::from_millis(100);
const CHUNK: usize = 16 * 1024;
/// `HTTP/1.1 413`.
const STATUS_LINE: usize = 12;

/// What an attacker was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Status(u16),
    /// Nothing: the connection was closed.
    Closed,
    /// Nothing yet when the time was over.
    Waiting,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Closed => f.write_str("closed"),
            Self::Waiting => f.write_str("waiting"),
        }
    }
}

/// The beginning of a creation by this caller, with these headers.
pub fn head(caller: &Caller, headers: &str) -> anyhow::Result<String> {
    let bearer = caller.bearer()?;
    Ok(format!(
        "POST /tenants HTTP/1.1\r\nhost: localhost\r\nauthorization: {bearer}\r\nconnection: close\r\n{headers}\r\n"
    ))
}

/// Sends a head and so many bytes of a body, as far as they are taken, and tells what came back.
pub async fn exchange(port: u16, head: &str, body: usize, chunked: bool) -> Said {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else { return Said::Closed };
    let (mut from, mut to) = stream.into_split();
    let send = async {
        to.write_all(head.as_bytes()).await?;
        let bytes = [b' '; CHUNK];
        for _ in 0..body / CHUNK {
            if chunked {
                to.write_all(format!("{CHUNK:x}\r\n").as_bytes()).await?;
            }
            to.write_all(&bytes).await?;
            if chunked {
                to.write_all(b"\r\n").await?;
            }
        }
        std::io::Result::Ok(())
    };
    let read = async {
        let mut line = [0; STATUS_LINE];
        from.read_exact(&mut line).await.ok()?;
        std::str::from_utf8(&line[STATUS_LINE - 3..]).ok()?.parse().ok()
    };
    // Whether everything was taken is of no interest: most of it is not.
    let (_, status) = tokio::join!(send, read);
    status.map_or(Said::Closed, Said::Status)
}

/// Never gets to the end of its headers.
pub async fn never_done(port: u16, until: Instant) -> Said {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else { return Said::Closed };
    let (mut from, mut to) = stream.into_split();
    let send = async {
        let mut next: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ";
        let mut ticks = tokio::time::interval(BYTE_EVERY);
        while to.write_all(next).await.is_ok() {
            ticks.tick().await;
            next = b"y";
        }
    };
    let mut byte = [0];
    tokio::select! {
        _ = from.read(&mut byte) => Said::Closed,
        () = send => Said::Closed,
        () = tokio::time::sleep_until(until) => Said::Waiting,
    }
}
