//! Between the adapter and the engine: breaks the connection before or after a chosen request has had its effect.

use std::sync::{Arc, Mutex};

use common::id::OperationId;
use engine::fake::{Verb, When};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, copy_bidirectional, split,
};
use tokio::net::{UnixListener, UnixStream};

type Armed = Arc<Mutex<Vec<(Verb, When)>>>;

/// A way to the engine that fails on demand.
#[derive(Clone, Default)]
pub struct Faults {
    armed: Armed,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Faults {
    /// Listens on a socket of its own and passes everything on to the engine at this one. Returns where.
    pub fn listen(&self, engine: String) -> String {
        let path = std::env::temp_dir().join(format!("rp9-engine-{}.sock", OperationId::generate().digits()));
        let listener = UnixListener::bind(&path).unwrap();
        let faults = self.clone();
        detach(async move {
            while let Ok((client, _)) = listener.accept().await {
                detach(serve(client, engine.clone(), faults.clone()));
            }
        });
        format!("unix://{}", path.display())
    }

    /// The requests since the last time this was asked, each with its method and path.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
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

async fn serve(mut client: UnixStream, engine: String, faults: Faults) {
    let Some(head) = read_head(&mut client).await else { return };
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    let fault = take(&faults.armed, &line);
    faults.requests.lock().unwrap().push(line);
    if fault != Some(When::Before) {
        let path = engine.trim_start_matches("unix://");
        pass(client, UnixStream::connect(path).await.unwrap(), &head, fault).await;
    }
}

/// The adapter opens a connection per request, so what comes first decides.
async fn pass(
    mut client: UnixStream,
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

async fn read_head(client: &mut UnixStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn take(armed: &Armed, line: &str) -> Option<When> {
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
        Verb::ContainerExec => ("POST ", "/exec/"),
        Verb::RecordNote => ("POST ", "/volumes/create"),
    };
    line.starts_with(method) && line.contains(part)
}
