//! Streams that are sealed and opened.

use std::{
    io::{self, BufReader, Read, Write},
    sync::{Arc, OnceLock},
};

use sha2::{Digest as _, Sha256};
use tokio_util::io::SyncIoBridge;

use super::{
    Recipient, SealError, SealKey,
    pipe::{Abandoned, pipe},
};
use crate::Stream;

/// What `zstd` itself takes when nobody says anything: 3 is where more time buys little.
const LEVEL: i32 = 3;
/// How much is handed on at once.
const CHUNK: usize = 64 << 10;

/// What was sealed, known once the sealed stream was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    pub bytes: u64,
    /// In small hexadecimal digits.
    pub sha256: String,
}

/// The source, compressed and encrypted. It fails if the source does; the cell has what the source was as soon as this one has ended.
pub fn seal(source: Stream, recipient: Recipient) -> (Stream, Arc<OnceLock<Plain>>) {
    let plain = Arc::new(OnceLock::new());
    let told = plain.clone();
    let source = SyncIoBridge::new(source);
    let work = move |sink: &mut dyn Write, abandoned: &Abandoned| {
        let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient.age() as _));
        let encryptor = encryptor.map_err(io::Error::other)?;
        let mut encrypted = encryptor.wrap_output(sink)?;
        let mut compressed = zstd::Encoder::new(&mut encrypted, LEVEL)?;
        compressed.include_checksum(true)?;
        let plain = copy(source, &mut compressed, abandoned)?;
        compressed.finish()?;
        encrypted.finish()?;
        Ok(plain)
    };
    (Box::pin(pipe(work, move |plain| drop(told.set(plain)))), plain)
}

/// What was sealed, decrypted and decompressed. It fails where anything is not as it was: of a part that is damaged nothing is given, but
/// what came before it is.
pub fn open(source: Stream, key: SealKey) -> (Stream, Arc<OnceLock<Plain>>) {
    let plain = Arc::new(OnceLock::new());
    let told = plain.clone();
    let source = BufReader::with_capacity(CHUNK, SyncIoBridge::new(source));
    let work = move |sink: &mut dyn Write, abandoned: &Abandoned| {
        let encrypted = age::Decryptor::new_buffered(source).map_err(damaged)?;
        let compressed = encrypted.decrypt(std::iter::once(key.identity() as _)).map_err(damaged)?;
        copy(zstd::Decoder::new(compressed)?, sink, abandoned)
    };
    (Box::pin(pipe(work, move |plain| drop(told.set(plain)))), plain)
}

fn damaged(error: age::DecryptError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, SealError::from(error))
}

fn copy(mut source: impl Read, sink: &mut dyn Write, abandoned: &Abandoned) -> io::Result<Plain> {
    let (mut sum, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        abandoned.check()?;
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let (part, _) = chunk.split_at(read);
        sum.update(part);
        sink.write_all(part)?;
        bytes += read as u64;
    }
    Ok(Plain { bytes, sha256: hex::encode(sum.finalize()) })
}
