//! Reading an object. What breaks off goes on where it broke.

use std::{io, sync::Arc, time::Duration};

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput, primitives::ByteStream};
use bytes::Bytes;
use futures::stream;
use tokio_util::io::StreamReader;

use super::answer::{failed, is_missing};
use crate::{Key, ObjectError, Stream};

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
    body: ByteStream,
    breaks: u32,
}

pub async fn get(client: Arc<Client>, bucket: String, key: Key) -> Result<Stream, ObjectError> {
    let asked = client.get_object().bucket(&bucket).key(key.as_str());
    let answered = asked.send().await.map_err(|error| of_key(failed(error), &key))?;
    let GetObjectOutput { body, e_tag: tag, content_length, .. } = answered;
    let bytes = content_length.unwrap_or_default().unsigned_abs();
    let reading = Reading { client, bucket, key, tag, bytes, at: 0, body, breaks: 0 };
    let chunks = stream::try_unfold(reading, |mut reading| async move {
        Ok::<_, io::Error>(reading.next().await?.map(|chunk| (chunk, reading)))
    });
    Ok(Box::pin(StreamReader::new(Box::pin(chunks))))
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
                None => io::Error::from(io::ErrorKind::UnexpectedEof),
                Some(Err(error)) => io::Error::other(error),
            };
            self.breaks += 1;
            if self.breaks > BREAKS {
                return Err(io::Error::other(ObjectError::Unavailable(Box::new(broken))));
            }
            tokio::time::sleep(PAUSE).await;
            self.go_on().await.map_err(io::Error::other)?;
        }
    }

    async fn go_on(&mut self) -> Result<(), ObjectError> {
        let asked = self.client.get_object().bucket(&self.bucket).key(self.key.as_str());
        let asked = asked.set_if_match(self.tag.clone()).range(format!("bytes={}-", self.at));
        match asked.send().await.map_err(failed) {
            // A store that gives the whole of it again has not understood.
            Ok(answered) if answered.content_range.is_none() => Err(ObjectError::Answered {
                status: 200,
                code: "the whole object instead of its rest".into(),
            }),
            Ok(answered) => {
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
