//! One kept connection. As little as possible: whatever the client spends is taken from what is measured.

use bytes::Bytes;
use common::service::Tasks;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection to the gateway.
pub struct Client(SendRequest<Full<Bytes>>);

impl Client {
    /// Connects.
    pub async fn connect(tasks: &Tasks, port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors show up where requests are sent.
        tasks.spawn("connection", async move { drop(connection.await) });
        Ok(Self(sender))
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        self.0.ready().await?;
        let answer = self.0.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// The same, where only one answer is the right one. Measuring refusals would mean nothing.
    pub async fn expect(&mut self, request: Request<Full<Bytes>>, wanted: StatusCode) -> anyhow::Result<()> {
        let (status, body) = self.send(request).await?;
        anyhow::ensure!(status == wanted, "{status}: {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}
