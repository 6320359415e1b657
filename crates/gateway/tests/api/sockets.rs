//! Real connections: their limits, and how they end.

use std::time::Duration;

use common::service::Tasks;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{Call, Claims, Platform};

async fn served(platform: &Platform) -> (std::net::SocketAddr, Tasks) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tasks) = (listener.local_addr().unwrap(), Tasks::default());
    gateway::serve(&tasks, "test", listener, platform.api());
    (address, tasks)
}

async fn talk(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The peer may close with our bytes unread, which is an error after the answer.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn an_announced_10_mb_is_refused_before_it_is_sent() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform).await;
    let token = Claims::of("admin").sign();
    let head = format!(
        "POST /tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 10485760\r\n\r\n"
    );
    let answer = talk(address, &head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn too_many_headers_or_too_long_ones_are_refused() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform).await;
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(64 * 1024));
    for headers in [many, long] {
        let answer = talk(address, &format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_keep_the_process_from_stopping() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    tasks.finish(Duration::from_secs(5)).await.expect("it stops at once");
}

#[tokio::test]
async fn a_mistake_of_ours_is_a_500_without_its_reason() {
    let platform = Platform::without_record().await;
    let reply = platform.send_to_broken(Call::get("/metrics").by_a("admin")).await;
    let problem = reply.assert_problem(500, "internal");
    assert!(!problem.to_string().contains("on purpose"), "{problem}");
}
