//! Many connections, most of them of no use.

use std::{io, net::SocketAddr, time::Duration};

use futures::future;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use super::served;
use crate::support::{Call, Platform, send_to};

const SLOW: usize = 1_000;
/// How slow the slow are: one byte in this time.
const BYTE_EVERY: Duration = Duration::from_millis(100);

/// Begins a request and never gets to the end of its headers: stands still, or goes on byte by byte. Returns what it was told when its
/// connection was closed.
async fn never_done(address: SocketAddr, stands_still: bool) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    to.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut told = Vec::new();
    let read = from.read_to_end(&mut told);
    if stands_still {
        let _ = read.await;
        return told;
    }
    let send = async {
        let mut ticks = time::interval(BYTE_EVERY);
        loop {
            ticks.tick().await;
            if to.write_all(b"y").await.is_err() {
                // Closed: the reading side learns of it as well.
                return future::pending::<io::Error>().await;
            }
        }
    };
    tokio::select! { _ = read => {}, _ = send => {} }
    told
}

#[tokio::test]
async fn a_thousand_who_never_get_to_the_end_of_their_headers_are_left_and_others_are_answered_meanwhile() {
    let platform = Platform::without_record().await;
    let (address, tasks) = served(&platform, &[("HEADERS_WITHIN_SECONDS", "2")]).await;
    let slow = future::join_all((0..SLOW).map(|n| never_done(address, n % 2 == 0)));
    let mut slow = Box::pin(slow);
    let mut answered = 0;
    let told = loop {
        let honest = Box::pin(send_to(address.port(), Call::get("/openapi.json")));
        match future::select(slow, honest).await {
            future::Either::Left((told, _)) => break told,
            future::Either::Right((reply, rest)) => {
                assert_eq!(reply.expect("there is an answer").status, 200);
                answered += 1;
                slow = rest;
            }
        }
    };
    println!("{answered} others were answered");
    assert!(answered > 0);
    assert!(told.iter().all(Vec::is_empty), "there was nothing to answer");
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}

/// A request over a connection that stays.
async fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"GET /docs/favicon-32x32.png HTTP/1.1\r\nHost: x\r\n\r\n").await
}

#[tokio::test]
async fn whoever_finds_every_place_taken_waits_for_one() {
    let platform = Platform::without_record().await;
    let (address, tasks) =
        served(&platform, &[("CONNECTIONS", "1"), ("HEADERS_WITHIN_SECONDS", "3600")]).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    ask(&mut second).await.unwrap();
    let mut byte = [0];
    for _ in 0..20 {
        ask(&mut first).await.unwrap();
        first.read_exact(&mut byte).await.unwrap();
        let waits = second.try_read(&mut byte).expect_err("the other one waits");
        assert_eq!(waits.kind(), io::ErrorKind::WouldBlock);
    }
    drop(first);
    second.read_exact(&mut byte).await.expect("now there is a place");
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}
