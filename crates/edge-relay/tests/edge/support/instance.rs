//! An n8n, as its callers know it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Ready,
    /// Listens, is not ready and knows no webhook.
    Starting,
    /// Takes no call.
    Down,
    /// Takes calls and does not answer.
    Hung,
    /// Ready, and its flows answer with this status.
    Answers(u16),
}

pub struct Instance {
    pub address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    looks: Arc<AtomicUsize>,
}

impl Instance {
    pub async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(Mutex::new(Mode::Ready));
        let looks = Arc::new(AtomicUsize::new(0));
        let (told, noted) = (Arc::clone(&mode), Arc::clone(&looks));
        #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mode = *told.lock().unwrap();
                tokio::spawn(answer(stream, mode, name, Arc::clone(&noted)));
            }
        });
        Self { address, mode, looks }
    }

    /// How often it was asked whether it is ready.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }

    pub fn becomes(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }
}

async fn answer(mut stream: TcpStream, mode: Mode, name: &str, looks: Arc<AtomicUsize>) {
    let mut request = [0; 16 << 10];
    let Ok(read) = stream.read(&mut request).await else { return };
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let asks_for_readiness = request.starts_with("GET /healthz/readiness ");
    looks.fetch_add(usize::from(asks_for_readiness), Ordering::Relaxed);
    let (status, body) = match mode {
        Mode::Down => return,
        Mode::Hung => return std::future::pending().await,
        Mode::Starting if asks_for_readiness => (503, "{\"status\":\"error\"}".to_owned()),
        Mode::Starting => (404, "Cannot POST".to_owned()),
        Mode::Answers(status) if !asks_for_readiness => (status, "a flow's answer".to_owned()),
        Mode::Ready | Mode::Answers(_) => {
            (200, format!("I am {name}: {}", request.lines().next().unwrap_or("")))
        }
    };
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
}
