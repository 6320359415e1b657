#![doc = include_str!("../README.md")]

mod config;
mod counted;
mod error;
#[cfg(feature = "fake")]
pub mod fake;
mod key;
pub mod manifest;
mod s3;
pub mod seal;

use std::pin::Pin;

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::io::AsyncRead;

pub use config::{StoreLogin, StoreSettings};
pub use counted::{Counted, counted};
pub use error::ObjectError;
pub use key::{Key, KeyError};
pub use s3::S3;

/// Bytes that come as they are asked for.
pub type Stream = Pin<Box<dyn AsyncRead + Send>>;

/// What we need of a store of objects. Each verb may be repeated; removing what is gone succeeds.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Where an object is, as people write it: `s3://bucket/key`. No secret.
    fn address(&self, key: &Key) -> String;

    /// Fails unless there is a bucket that may be written to. Makes it where that is allowed.
    async fn ensure_bucket(&self) -> Result<(), ObjectError>;

    /// Stores what the source gives up to its end: whole, or not at all. What was there before is replaced. A source that fails ends it as
    /// [`ObjectError::Source`]. Needs a few parts' memory, however much there is.
    async fn put(&self, key: &Key, source: Stream) -> Result<Stored, ObjectError>;

    /// Gives an object from its beginning. A connection that breaks is made anew where it broke, of the same object or not at all. Its bytes are
    /// the store's word; whether they are those that were written only their checksum says.
    async fn get(&self, key: &Key) -> Result<Stream, ObjectError>;

    /// Every object whose key begins with this one and a slash, in the order of the keys.
    async fn list(&self, below: &Key) -> Result<Vec<Listed>, ObjectError>;

    /// Removes these objects.
    async fn remove(&self, keys: &[Key]) -> Result<(), ObjectError>;

    /// What was begun below this key and neither finished nor given up: it costs room, and is in no list.
    async fn unfinished(&self, below: &Key) -> Result<Vec<Unfinished>, ObjectError>;

    /// Gives up one of these.
    async fn abandon(&self, upload: &Unfinished) -> Result<(), ObjectError>;
}

/// What was sent to the store, by our own count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub bytes: u64,
    /// In small hexadecimal digits.
    pub sha256: String,
}

/// An object, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: Key,
    pub bytes: u64,
}

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    pub key: Key,
    pub begun_at: OffsetDateTime,
    /// What the store calls it.
    pub id: String,
}
