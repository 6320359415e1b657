//! What is sealed opens with its key, by hand too, and with nothing else; and nothing that failed looks finished.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends here"
)]

use std::{env, io, io::Cursor, process::Stdio};

use futures::stream;
use objects::{
    Stream,
    seal::{Recipient, SealKey, open, seal},
};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    runtime::Runtime,
};
use tokio_util::io::StreamReader;

fn of(bytes: &[u8]) -> Stream {
    Box::pin(Cursor::new(bytes.to_vec()))
}

async fn sealed(bytes: &[u8], recipient: Recipient) -> Vec<u8> {
    let (mut stream, plain) = seal(of(bytes), recipient);
    let mut sealed = Vec::new();
    stream.read_to_end(&mut sealed).await.unwrap();
    assert_eq!(plain.get().unwrap().bytes, bytes.len() as u64);
    sealed
}

async fn opened(sealed: &[u8], key: SealKey) -> io::Result<Vec<u8>> {
    let (mut stream, plain) = open(of(sealed), key);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    assert_eq!(plain.get().unwrap().bytes, bytes.len() as u64);
    Ok(bytes)
}

/// Some of it compresses well.
fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| if at % 3 == 0 { b'x' } else { (at * 7919 % 256) as u8 }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_opens_with_its_key_alone() {
    let (key, other) = (SealKey::generate(), SealKey::generate());
    for bytes in [0, 1, 65_536, 3_000_001] {
        let text = text(bytes);
        let sealed = sealed(&text, key.recipient()).await;
        assert!(opened(&sealed, key.clone()).await.unwrap() == text, "{bytes} bytes");
        opened(&sealed, other.clone()).await.unwrap_err();
    }
}

#[test]
fn damage_of_any_kind_is_noticed() {
    let runtime = Runtime::new().unwrap();
    let key = SealKey::generate();
    let text = text(300_000);
    let whole = runtime.block_on(sealed(&text, key.recipient()));
    let fails = |damaged: &[u8]| runtime.block_on(opened(damaged, key.clone())).is_err();
    proptest!(ProptestConfig::with_cases(200), |(at in 0..whole.len(), bit in 0..8_u32, cut in any::<bool>())| {
        let mut damaged = whole.clone();
        if cut {
            damaged.truncate(at);
        } else {
            damaged[at] ^= 1 << bit;
        }
        prop_assert!(fails(&damaged), "byte {at} of {}, bit {bit}, cut {cut}", whole.len());
    });
    assert!(fails(&[whole.clone(), b"more".to_vec()].concat()));
    assert!(fails(&[whole.clone(), whole.clone()].concat()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_at_its_end_does_not_look_whole() {
    let parts = [Ok(bytes::Bytes::from(text(500_000))), Err(io::Error::other("the dump was killed"))];
    let source = Box::pin(StreamReader::new(stream::iter(parts)));
    let (mut stream, plain) = seal(source, SealKey::generate().recipient());
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("killed"), "{error}");
    assert_eq!(plain.get(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_reading_ends_the_work() {
    let endless: Stream = Box::pin(tokio::io::repeat(1));
    let (mut stream, _) = seal(endless, SealKey::generate().recipient());
    stream.read_exact(&mut [0; 100]).await.unwrap();
    // The runtime waits at its end for threads that work: this test would not end.
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs age and zstd"]
async fn a_person_opens_it_with_age_and_zstd() {
    let key = SealKey::generate();
    let text = text(200_000);
    let folder = tempfile::tempdir().unwrap();
    let (file, identity) = (folder.path().join("sealed"), folder.path().join("key"));
    std::fs::write(&file, sealed(&text, key.recipient()).await).unwrap();
    std::fs::write(&identity, key.text().expose_secret()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "tests are told where the tools are")]
    let age = format!("{}/age", env::var("TEST_AGE").unwrap());
    let decrypted = Command::new(age).arg("-d").arg("-i").arg(&identity).arg(&file).output().await.unwrap();
    assert!(decrypted.status.success(), "{}", String::from_utf8_lossy(&decrypted.stderr));
    let mut zstd =
        Command::new("zstd").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = zstd.stdin.take().unwrap();
    let written = async move { input.write_all(&decrypted.stdout).await };
    let (written, output) = tokio::join!(written, zstd.wait_with_output());
    written.unwrap();
    assert!(output.unwrap().stdout == text);
}
