//! Storing a stream: in one request if it is short, else in parts, of which some are on their way while the next one is filled.

use aws_sdk_s3::{
    Client,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _, stream::FuturesOrdered};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use super::answer::{failed, is_missing};
use crate::{Key, ObjectError, Stored, Stream};

/// What S3 asks of all parts but the last is 5 MiB.
const PART: usize = 8 << 20;
/// How many parts an object may have.
const PARTS: u64 = 10_000;
/// Parts on their way at once: two hide the time that the store takes to answer, and with the one being filled they are 24 MiB.
const AT_ONCE: usize = 2;

/// What has been read of the source.
struct Source {
    stream: Stream,
    sum: Sha256,
    bytes: u64,
    parts: u64,
}

pub async fn put(client: &Client, bucket: &str, key: &Key, stream: Stream) -> Result<Stored, ObjectError> {
    let mut source = Source { stream, sum: Sha256::new(), bytes: 0, parts: 0 };
    let first = source.part().await?;
    if first.len() < PART {
        let body = first.into();
        client.put_object().bucket(bucket).key(key.as_str()).body(body).send().await.map_err(failed)?;
        return Ok(source.stored());
    }
    let begun =
        client.create_multipart_upload().bucket(bucket).key(key.as_str()).send().await.map_err(failed)?;
    let id = begun.upload_id().unwrap_or_default();
    let target = Target { client, bucket, key, id };
    let sent = target.send(first, &mut source).await;
    if sent.is_err() {
        // What cannot be given up now is found by whoever looks for what is unfinished.
        let _ = abandon(client, bucket, key, id).await;
    }
    sent.map(|()| source.stored())
}

/// Gives up an upload. One that is gone is as good.
pub async fn abandon(client: &Client, bucket: &str, key: &Key, id: &str) -> Result<(), ObjectError> {
    let asked = client.abort_multipart_upload().bucket(bucket).key(key.as_str()).upload_id(id);
    match asked.send().await.map_err(failed) {
        Err(error) if !is_missing(&error) => Err(error),
        _ => Ok(()),
    }
}

impl Source {
    /// As much as a part holds; less only at the end, and nothing after it.
    async fn part(&mut self) -> Result<Bytes, ObjectError> {
        let mut part = BytesMut::with_capacity(PART);
        while part.len() < PART {
            let room = (PART - part.len()) as u64;
            let read =
                (&mut self.stream).take(room).read_buf(&mut part).await.map_err(ObjectError::Source)?;
            if read == 0 {
                break;
            }
        }
        self.sum.update(&part);
        self.bytes += part.len() as u64;
        self.parts += u64::from(!part.is_empty());
        if self.parts > PARTS {
            return Err(ObjectError::TooLarge(PARTS * PART as u64));
        }
        Ok(part.freeze())
    }

    /// The same, while these go on.
    async fn part_while<F: Future<Output = Result<CompletedPart, ObjectError>>>(
        &mut self,
        sending: &mut FuturesOrdered<F>,
        sent: &mut Vec<CompletedPart>,
    ) -> Result<Bytes, ObjectError> {
        let mut part = std::pin::pin!(self.part());
        loop {
            tokio::select! {
                part = &mut part => return part,
                Some(done) = sending.next(), if !sending.is_empty() => sent.push(done?),
            }
        }
    }

    fn stored(self) -> Stored {
        Stored { bytes: self.bytes, sha256: hex::encode(self.sum.finalize()) }
    }
}

#[derive(Clone, Copy)]
struct Target<'a> {
    client: &'a Client,
    bucket: &'a str,
    key: &'a Key,
    id: &'a str,
}

impl Target<'_> {
    async fn send(self, first: Bytes, source: &mut Source) -> Result<(), ObjectError> {
        let (mut sending, mut sent, mut part) = (FuturesOrdered::new(), Vec::new(), first);
        for number in 1.. {
            sending.push_back(self.part(number, part));
            if sending.len() > AT_ONCE
                && let Some(done) = sending.try_next().await?
            {
                sent.push(done);
            }
            part = source.part_while(&mut sending, &mut sent).await?;
            if part.is_empty() {
                break;
            }
        }
        while let Some(done) = sending.try_next().await? {
            sent.push(done);
        }
        self.complete(sent).await
    }

    async fn complete(self, sent: Vec<CompletedPart>) -> Result<(), ObjectError> {
        let all = CompletedMultipartUpload::builder().set_parts(Some(sent)).build();
        let Self { client, bucket, key, id } = self;
        let asked = client.complete_multipart_upload().bucket(bucket).key(key.as_str()).upload_id(id);
        asked.multipart_upload(all).send().await.map(drop).map_err(failed)
    }

    async fn part(self, number: i32, part: Bytes) -> Result<CompletedPart, ObjectError> {
        let Self { client, bucket, key, id } = self;
        let asked = client.upload_part().bucket(bucket).key(key.as_str()).upload_id(id);
        let sent = asked.part_number(number).body(part.into()).send().await.map_err(failed)?;
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
    }
}
