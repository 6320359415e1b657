//! Real connections: their limits, and how they end.

mod crowds;

use std::{net::SocketAddr, time::Duration};

use common::service::Tasks;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Call, Claims, Platform};

async fn served(platform: &Platform, sockets: &[(&str, &str)]) -> (SocketAddr, Tasks) {
    let tasks = Tasks::default();
    (platform.listen(&tasks, sockets).await, tasks)
}

async fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be refused before all of it is sent.
    let _ = stream.write_all(request.as_bytes()).await;
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // The peer may close with our bytes unread, which is an error after the answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// Checks that an answer, as it came over the socket, is this problem.
#[track_caller]
fn assert_problem(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{answer}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["code"], &body["status"]), (&code.into(), &status.into()), "{answer}");
}

fn post(headers: &str) -> String {
    let token = Claims::of("admin").sign();
    format!("POST /tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
}

#[tokio::test]
async fn an_announced_10_mb_is_refused_before_it_is_sent() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform, &[]).await;
    assert_problem(&talk(address, &post("Content-Length: 10485760\r\n")).await, 413, "body_too_large");
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn what_comes_unannounced_is_refused_at_the_first_byte_too_many() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform, &[]).await;
    let head = post("Transfer-Encoding: chunked\r\n");
    // 64 kB and one byte of the 10 MB, and then nothing more: whoever waited for the rest would never answer.
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024 + 1, " ".repeat(64 * 1024 + 1));
    assert_problem(&talk(address, &(head + &chunk)).await, 413, "body_too_large");
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn headers_that_are_too_much_are_refused_in_words() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform, &[]).await;
    let many: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(17 * 1024));
    for headers in [many, long] {
        let request = format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        assert_problem(&talk(address, &request).await, 431, "headers_too_large");
    }
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn headers_that_are_far_too_much_and_what_is_not_http_end_the_connection() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform, &[]).await;
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(10 << 20));
    let get = |headers: &str| format!("GET /openapi.json HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    let cases = [
        (get(&many), "431"),
        (get(&long), "431"),
        (get("no colon\r\n"), "400"),
        (get("X: \0\r\n"), "400"),
        (post("Content-Length: -1\r\n"), "400"),
        (post("Content-Length: 1\r\nContent-Length: 2\r\n"), "400"),
        ("\x16\x03\x01\x02".to_owned(), "400"),
    ];
    for (request, status) in cases {
        let answer = talk(address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.80}: {answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_keep_the_process_from_stopping() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform, &[]).await;
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

/// Asks once over a connection that stays, and reads the answer.
async fn ask(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\"down\"}") {
        stream.read_exact(&mut byte).await?;
        answer.push(byte[0]);
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_may_be_idle_for_longer_than_headers_may_take() {
    let platform = Platform::without_record().await;
    let (address, tasks) =
        served(&platform, &[("HEADERS_WITHIN_SECONDS", "1"), ("KEEP_ALIVE_SECONDS", "4")]).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        ask(&mut stream).await.expect("it is still there");
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
    // A request that has begun is not idle.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // Neither is it kept for ever.
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask(&mut stream).await.unwrap();
    let begun = std::time::Instant::now();
    read_to_end(&mut stream).await;
    assert!((3..6).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}
