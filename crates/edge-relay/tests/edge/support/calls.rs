//! Callers: exactly these bytes, no client that tidies or repeats them.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

/// The whole answer, or nothing if nobody answers.
#[derive(Debug, Clone)]
pub struct Answer(pub String);

impl Answer {
    /// Its status, or 0 if nobody answers.
    pub fn status(&self) -> u16 {
        self.0.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub fn says(&self, text: &str) -> bool {
        self.0.to_lowercase().contains(&text.to_lowercase())
    }
}

/// A request for exactly this path.
pub async fn ask(port: u16, host: &str, path: &str) -> Answer {
    ask_with(port, host, &format!("GET {path}"), "").await
}

/// The same with method and further headers, each with its line's end.
pub async fn ask_with(port: u16, host: &str, what: &str, headers: &str) -> Answer {
    send(port, format!("{what} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n")).await
}

/// A request with a body.
pub async fn post(port: u16, host: &str, path: &str, body: &str) -> Answer {
    let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    send(port, format!("{head}Connection: close\r\n\r\n{body}")).await
}

async fn send(port: u16, request: String) -> Answer {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
        return Answer(String::new());
    };
    let mut answer = String::new();
    if stream.write_all(request.as_bytes()).await.is_ok() {
        drop(stream.read_to_string(&mut answer).await);
    }
    Answer(answer)
}

/// Somebody who goes on calling one host, ten times a second.
pub struct Calls {
    seen: Arc<Mutex<BTreeMap<u16, usize>>>,
    caller: JoinHandle<()>,
}

impl Calls {
    pub fn to(port: u16, host: &'static str) -> Self {
        let seen = Arc::<Mutex<BTreeMap<u16, usize>>>::default();
        let noted = Arc::clone(&seen);
        #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
        let caller = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                let answer = post(port, host, "/webhook/x", "").await;
                let bare = answer.status() == 503 && !answer.says("retry-after: ");
                // A 503 that does not say when to come back is counted as another.
                *noted.lock().unwrap().entry(if bare { 599 } else { answer.status() }).or_default() += 1;
            }
        });
        Self { seen, caller }
    }

    /// How often each status was seen.
    pub fn end(self) -> BTreeMap<u16, usize> {
        self.caller.abort();
        self.seen.lock().unwrap().clone()
    }
}
