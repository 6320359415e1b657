//! Reading an object of a set back, to its last byte.

use bytes::Bytes;
use objects::{
    Key, Objects, Stream, counted,
    manifest::Object,
    seal::{SealKey, open},
};
use tokio::io::AsyncReadExt as _;

use crate::Damage;

/// More than any manifest has, little enough to be read whole.
const LONGEST_MANIFEST: u64 = 16 << 20;
/// A key, sealed, has some hundred bytes.
const LONGEST_KEY: u64 = 64 << 10;

/// An object that is opened as it comes.
pub struct Reading {
    stream: Option<Stream>,
    stored: objects::Counted,
    plain: objects::Counted,
}

impl Reading {
    /// From its beginning, with what opens it.
    pub async fn of(objects: &dyn Objects, key: &Key, opens: &SealKey) -> Result<Self, Damage> {
        let (stored, stored_counted) = counted(objects.get(key).await?);
        let (plain, plain_counted) = counted(open(stored, opens.clone()).0);
        Ok(Self { stream: Some(plain), stored: stored_counted, plain: plain_counted })
    }

    /// What it opens to, once.
    pub fn take(&mut self) -> Stream {
        self.stream.take().unwrap_or_else(|| Box::pin(tokio::io::empty()))
    }

    /// Reads it to its end, and says whether it is what was written.
    pub async fn end<W>(mut self, object: &Object<W>) -> Result<(), Damage> {
        let read = tokio::io::copy(&mut self.take(), &mut tokio::io::sink()).await;
        read.map_err(|source| self.broken(object, &source))?;
        self.is(object)
    }

    /// Why it could not be read to its end: it is damaged, or the store is away.
    pub fn broken<W>(&self, object: &Object<W>, source: &std::io::Error) -> Damage {
        if self.stored.failed() {
            Damage::BrokenOff(source.to_string())
        } else {
            Damage::of(&object.name, format!("does not open: {source}"))
        }
    }

    /// Whether what was read is what was written.
    pub fn is<W>(&self, object: &Object<W>) -> Result<(), Damage> {
        let (stored, plain) = (self.stored.passed(), self.plain.passed());
        if (stored.bytes, &stored.sha256) != (object.bytes, &object.sha256) {
            return Err(Damage::of(&object.name, "is not what was stored"));
        }
        if (Some(plain.bytes), Some(&plain.sha256)) != (object.plain_bytes, object.plain_sha256.as_ref()) {
            return Err(Damage::of(&object.name, "does not hold what was copied"));
        }
        Ok(())
    }
}

/// Something short, as it is stored.
pub async fn sealed_text<W>(objects: &dyn Objects, key: &Key, object: &Object<W>) -> Result<Bytes, Damage> {
    let (stored, counted) = counted(objects.get(key).await?);
    let text = read(stored, key, LONGEST_KEY).await?;
    let passed = counted.passed();
    if (passed.bytes, &passed.sha256) != (object.bytes, &object.sha256) {
        return Err(Damage::of(&object.name, "is not what was stored"));
    }
    Ok(text)
}

/// A manifest, as it is stored.
pub async fn manifest(objects: &dyn Objects, key: &Key) -> Result<Bytes, Damage> {
    read(objects.get(key).await?, key, LONGEST_MANIFEST).await
}

async fn read(stream: Stream, key: &Key, longest: u64) -> Result<Bytes, Damage> {
    let mut text = Vec::new();
    let read = stream.take(longest).read_to_end(&mut text).await;
    read.map(|_| text.into()).map_err(|error| Damage::BrokenOff(format!("{key}: {error}")))
}
