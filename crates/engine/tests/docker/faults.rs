//! Between the adapter and the engine: breaks the connection before or after a chosen request has had its effect.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use engine::fake::{Verb, When};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, copy_bidirectional, split,
};
use tokio::net::{TcpListener, TcpStream, UnixStream};

type Armed = Arc<Mutex<Vec<(Verb, When)>>>;

/// A way to the engine that fails on demand.
#[derive(Clone, Default)]
pub struct Faults {
    armed: Armed,
}

impl Faults {
    /// Listens on a port of its own and passes everything on to the engine at this host.
    pub async fn listen(&self, host: String) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::clone(&self.armed);
        detach(async move {
            while let Ok((client, _)) = listener.accept().await {
                detach(serve(client, host.clone(), Arc::clone(&armed)));
            }
        });
        address
    }

    /// The next request of this sort fails.
    pub fn arm(&self, verb: Verb, when: When) {
        self.armed.lock().unwrap().push((verb, when));
    }
}

#[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
fn detach(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

async fn serve(mut client: TcpStream, host: String, armed: Armed) {
    let Some(head) = read_head(&mut client).await else { return };
    let fault = take(&armed, &head);
    if fault == Some(When::Before) {
        return;
    }
    if let Some(path) = host.strip_prefix("unix://") {
        pass(client, UnixStream::connect(path).await.unwrap(), &head, fault).await;
    } else {
        let address = host.trim_start_matches("tcp://").trim_start_matches("http://");
        pass(client, TcpStream::connect(address).await.unwrap(), &head, fault).await;
    }
}

/// The adapter opens a connection per request, so what comes first decides.
async fn pass(
    mut client: TcpStream,
    mut engine: impl AsyncRead + AsyncWrite + Unpin,
    head: &[u8],
    fault: Option<When>,
) {
    if engine.write_all(head).await.is_err() {
        return;
    }
    if fault.is_none() {
        // Whichever side leaves first, the other is told by the closing.
        drop(copy_bidirectional(&mut client, &mut engine).await);
        return;
    }
    // The request goes through to its end and the engine answers it; the answer never arrives.
    let ((mut from_client, _to_client), (mut from_engine, mut to_engine)) = (split(client), split(engine));
    let mut first = [0];
    tokio::select! {
        _ = from_engine.read(&mut first) => {}
        _ = copy(&mut from_client, &mut to_engine) => {}
    }
}

async fn read_head(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn take(armed: &Armed, head: &[u8]) -> Option<When> {
    let head = String::from_utf8_lossy(head);
    let line = head.lines().next().unwrap_or_default();
    let mut armed = armed.lock().unwrap();
    let index = armed.iter().position(|(verb, _)| is(line, *verb))?;
    Some(armed.remove(index).1)
}

/// Whether this request line asks for this effect.
fn is(line: &str, verb: Verb) -> bool {
    let (method, part) = match verb {
        Verb::NetworkCreate => ("POST ", "/networks/create"),
        Verb::NetworkAttach => ("POST ", "/connect"),
        Verb::NetworkDetach => ("POST ", "/disconnect"),
        Verb::NetworkRemove => ("DELETE ", "/networks/"),
        Verb::VolumeCreate => ("POST ", "/volumes/create"),
        Verb::VolumeRemove => ("DELETE ", "/volumes/"),
        Verb::ContainerCreate => ("POST ", "/containers/create"),
        Verb::SecretsWrite => ("PUT ", "/archive"),
        Verb::ContainerStart => ("POST ", "/start"),
        Verb::ContainerUnpause => ("POST ", "/unpause"),
        Verb::ContainerStop => ("POST ", "/stop"),
        Verb::ContainerRemove => ("DELETE ", "/containers/"),
        Verb::ContainerResize => ("POST ", "/update"),
        Verb::ContainerRestart => ("POST ", "/restart"),
        Verb::RecordNote => ("POST ", "/volumes/create"),
    };
    line.starts_with(method) && line.contains(part)
}
