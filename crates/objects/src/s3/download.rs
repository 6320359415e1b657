//! Reading an object, a piece at a time. What breaks off goes on where it broke.

use std::{io, sync::Arc, time::Duration};

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput, primitives::ByteStream};
use bytes::Bytes;
use futures::stream;
use tokio_util::io::StreamReader;

use super::answer::{failed, is_missing};
use crate::{Key, ObjectError, Stream};

/// So much is asked for at once. SeaweedFS with bounded memory fetches ahead of who reads, and what it has no room for once more when its turn comes:
/// 1,000 MB asked for as a whole took it 47 s and 58 s of a processor, in pieces of 8 to 128 MiB 3 s and 2.4 s.
const PIECE: u64 = 16 << 20;

/// How often in a row it may break off without a single byte between.
const BREAKS: u32 = 5;
/// Before it goes on.
const PAUSE: Duration = Duration::from_secs(1);

struct Reading {
    client: Arc<Client>,
    bucket: String,
    key: Key,
    /// Which object it is: another one under its key is not gone on with.
    tag: Option<String>,
    bytes: u64,
    at: u64,
    /// Where the piece ends that is being read.
    until: u64,
    body: ByteStream,
    breaks: u32,
}

pub async fn get(client: Arc<Client>, bucket: String, key: Key) -> Result<Stream, ObjectError> {
    let asked = client.get_object().bucket(&bucket).key(key.as_str());
    let answered = match asked.clone().range(piece(0)).send().await.map_err(failed) {
        // There is no first byte in one that is empty.
        Err(ObjectError::Answered { status: 416, .. }) => asked.send().await.map_err(failed),
        answered => answered,
    };
    let answered = answered.map_err(|error| of_key(error, &key))?;
    let until = answered.content_length.unwrap_or_default().unsigned_abs();
    // One that gives the whole of it at once says so by saying nothing.
    let bytes = answered.content_range().map_or(Ok(until), whole)?;
    let GetObjectOutput { body, e_tag: tag, .. } = answered;
    let reading = Reading { client, bucket, key, tag, bytes, at: 0, until, body, breaks: 0 };
    let chunks = stream::try_unfold(reading, |mut reading| async move {
        Ok::<_, io::Error>(reading.next().await?.map(|chunk| (chunk, reading)))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(chunks))))
}

/// What to ask for.
fn piece(at: u64) -> String {
    format!("bytes={at}-{}", at + PIECE - 1)
}

/// How large the object is of which this is a part: `bytes 0-9/100`.
fn whole(range: &str) -> Result<u64, ObjectError> {
    let bytes = range.rsplit_once('/').and_then(|(_, bytes)| bytes.parse().ok());
    bytes.ok_or_else(|| ObjectError::Answered { status: 206, code: format!("a part, {range:?}") })
}

fn of_key(error: ObjectError, key: &Key) -> ObjectError {
    if is_missing(&error) { ObjectError::NotFound(key.clone()) } else { error }
}

impl Reading {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let broken = match self.body.next().await {
                Some(Ok(chunk)) => {
                    (self.at, self.breaks) = (self.at + chunk.len() as u64, 0);
                    return Ok(Some(chunk));
                }
                None if self.at >= self.bytes => return Ok(None),
                None if self.at >= self.until => None,
                None => Some(io::Error::from(io::ErrorKind::UnexpectedEof)),
                Some(Err(error)) => Some(io::Error::other(error)),
            };
            if let Some(broken) = broken {
                self.breaks += 1;
                if self.breaks > BREAKS {
                    return Err(io::Error::other(ObjectError::Unavailable(Box::new(broken))));
                }
                tokio::time::sleep(PAUSE).await;
            }
            self.go_on().await.map_err(io::Error::other)?;
        }
    }

    async fn go_on(&mut self) -> Result<(), ObjectError> {
        let asked = self.client.get_object().bucket(&self.bucket).key(self.key.as_str());
        let asked = asked.set_if_match(self.tag.clone()).range(piece(self.at));
        match asked.send().await.map_err(failed) {
            // A store that gives the whole of it again has not understood.
            Ok(answered) if answered.content_range.is_none() => Err(ObjectError::Answered {
                status: 200,
                code: "the whole object instead of its rest".into(),
            }),
            Ok(answered) if answered.content_length.unwrap_or_default() <= 0 => {
                Err(ObjectError::Answered { status: 206, code: "nothing of the rest".into() })
            }
            Ok(answered) => {
                self.until = self.at + answered.content_length.unwrap_or_default().unsigned_abs();
                self.body = answered.body;
                Ok(())
            }
            Err(ObjectError::Answered { status: 412 | 416, .. }) => {
                Err(ObjectError::Replaced(self.key.clone()))
            }
            Err(error) => Err(of_key(error, &self.key)),
        }
    }
}
