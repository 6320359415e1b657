//! A Traefik to try, what it is told, and whoever answers behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use edge::EdgeError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where a Traefik listens.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub web: u16,
    pub probe: u16,
    pub inner: u16,
    pub metrics: u16,
}

impl Ports {
    /// This one and those after it.
    pub const fn from(web: u16) -> Self {
        Self { web, probe: web + 1, inner: web + 2, metrics: web + 3 }
    }
}

/// Answers every request with what `body` makes of it at that moment.
pub async fn serve(body: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = Arc::new(body);
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let body = Arc::clone(&body);
            tokio::spawn(async move {
                let mut request = [0; 8192];
                let read = stream.read(&mut request).await;
                let read = read.unwrap_or_default();
                let body = body(&String::from_utf8_lossy(&request[..read]));
                // An instance cannot pass for another: the edge writes its own mark over this one.
                let head = "HTTP/1.1 200 OK\r\nx-rp9-route: forged\r\nconnection: close\r\ncontent-length: ";
                let answer = format!("{head}{}\r\n\r\n{body}", body.len());
                drop(stream.write_all(answer.as_bytes()).await);
            });
        }
    });
    address
}

/// The whole answer to a request for exactly this path: no client that tidies it first.
pub async fn ask(port: u16, host: &str, path: &str) -> String {
    ask_with(port, host, path, "Connection: close\r\n").await
}

/// The same with these lines of its head besides, one of which must have the connection closed.
pub async fn ask_with(port: u16, host: &str, path: &str, lines: &str) -> String {
    ask_from(Ipv4Addr::LOCALHOST.into(), port, host, path, lines).await
}

/// The same from this address of the machine's.
pub async fn ask_from(from: IpAddr, port: u16, host: &str, path: &str, lines: &str) -> String {
    let (socket, to) = match from {
        IpAddr::V4(_) => (TcpSocket::new_v4(), IpAddr::from(Ipv4Addr::LOCALHOST)),
        IpAddr::V6(_) => (TcpSocket::new_v6(), IpAddr::from(Ipv6Addr::LOCALHOST)),
    };
    let Ok(socket) = socket.and_then(|socket| socket.bind((from, 0).into()).map(|()| socket)) else {
        return String::new();
    };
    let Ok(mut stream) = socket.connect((to, port).into()).await else { return String::new() };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer).await);
    answer
}

pub fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn image() -> &'static str {
    let pins = include_str!("../../../../deploy/images/pins").lines();
    pins.filter_map(|line| line.strip_prefix("TRAEFIK_IMAGE=")).next().expect("the image is pinned")
}

/// What the deployment's entrypoints take in a path.
fn encoded_characters() -> impl Iterator<Item = String> {
    let lines = include_str!("../../../../deploy/conf/traefik/traefik.yml.in").lines().map(str::trim);
    let allowed = lines.filter(|line| line.starts_with("allowEncoded")).map(|line| line.replace(": ", "="));
    allowed.flat_map(|allowed| {
        ["web", "inner"].map(|name| format!("--entrypoints.{name}.http.encodedCharacters.{allowed}"))
    })
}

/// A Traefik on the host's network that ends with the test.
pub struct Traefik(String);

impl Traefik {
    pub fn start(provider: SocketAddr, Ports { web, probe, inner, metrics }: Ports) -> Self {
        let name = format!("rp9-test-{}", common::id::OperationId::generate().digits());
        let flags = [
            format!("--entrypoints.web.address=127.0.0.1:{web}"),
            format!("--entrypoints.probe.address=127.0.0.1:{probe}"),
            format!("--entrypoints.inner.address=:{inner}"),
            format!("--entrypoints.metrics.address=127.0.0.1:{metrics}"),
            "--metrics.prometheus.entryPoint=metrics".into(),
            "--metrics.prometheus.addRoutersLabels=true".into(),
            "--metrics.prometheus.addServicesLabels=true".into(),
            "--entrypoints.probe.observability.metrics=false".into(),
            "--entrypoints.inner.observability.metrics=false".into(),
            format!("--providers.http.endpoint=http://{provider}/"),
            "--providers.http.pollInterval=200ms".into(),
            "--providers.providersThrottleDuration=0".into(),
            "--global.checkNewVersion=false".into(),
            "--global.sendAnonymousUsage=false".into(),
            "--log.level=DEBUG".into(),
        ];
        let flags = flags.into_iter().chain(encoded_characters());
        let run = ["run", "--detach", "--rm", "--network", "host", "--name", &name, image()];
        let output = Command::new("docker").args(run).args(flags).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(name)
    }

    pub fn logs(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.0]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Traefik {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rm", "--force", &self.0]).output());
    }
}

/// Asks until it is so, and says what the last answer was if that never happens.
pub async fn until<F: Future<Output = Result<(), EdgeError>>>(mut ask: impl FnMut() -> F) {
    let mut last = None;
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            match ask().await {
                Ok(()) => return,
                Err(error) => last = Some(error),
            }
        }
    };
    let done = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
    assert!(done, "{last:?}");
}
