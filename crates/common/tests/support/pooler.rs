//! A pooler before Postgres that hands on nothing of what a connection begins with, but who and where.

use common::service::Tasks;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// Where such a pooler listens, before the server of these options.
pub async fn before(server: &PgConnectOptions, tasks: &Tasks) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (server, within, stopping) =
        ((server.get_host().to_owned(), server.get_port()), tasks.clone(), tasks.stopping());
    tasks.spawn("pooler", async move {
        while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
            let (passing, stopping) = (pass(accepted.unwrap().0, server.clone()), within.stopping());
            within.spawn("pooler-connection", async move {
                stopping.run_until_cancelled(passing).await;
            });
        }
    });
    port
}

async fn pass(mut from: TcpStream, server: (String, u16)) {
    let length = from.read_u32().await.unwrap() as usize;
    let mut begin = vec![0; length - 4];
    from.read_exact(&mut begin).await.unwrap();
    // The protocol's version, and then names and values in turn, each with a NUL behind it.
    let (version, texts) = begin.split_at(4);
    let texts: Vec<&[u8]> = texts.split_inclusive(|byte| *byte == 0).collect();
    let handed_on = texts.chunks_exact(2).filter(|pair| matches!(pair[0], b"user\0" | b"database\0"));
    let handed_on: Vec<u8> =
        [version.to_vec(), handed_on.flatten().copied().flatten().copied().collect(), vec![0]].concat();
    let mut to = TcpStream::connect(server).await.unwrap();
    to.write_u32(u32::try_from(handed_on.len() + 4).unwrap()).await.unwrap();
    to.write_all(&handed_on).await.unwrap();
    let _ = copy_bidirectional(&mut from, &mut to).await;
}
