//! What a backup has in it, as a person and a program read it: `manifest.json`, in clear, beside the objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::Stored;

/// What the manifest is called.
pub const MANIFEST: &str = "manifest.json";
/// The form of sets that this release writes. Another one is not read.
pub const FORMAT: u32 = 1;

/// A whole set. Written last: a folder without it is no backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub backup: String,
    pub tenant: String,
    /// Why it was made: `daily`, `manual`, ….
    #[serde(rename = "type")]
    pub backup_type: String,
    /// The moment all of it is of.
    #[serde(with = "time::serde::rfc3339")]
    pub taken_at: OffsetDateTime,
    pub n8n_version: String,
    pub postgres: Postgres,
    /// What opens the objects opens with this tenant's key, and that with the recovery key of this recipient.
    pub recovery_recipient: String,
    pub tenant_recipient: String,
    pub objects: Vec<Object>,
    /// Rows of each table at that moment, of those whose rows are in the dump, or in the script.
    pub rows: BTreeMap<String, u64>,
    /// What a person counts.
    pub counts: BTreeMap<String, u64>,
    /// Of which workflows were active.
    pub active_workflows: Vec<String>,
    pub not_included: Vec<Omission>,
}

/// What the dump came from, and with what it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postgres {
    pub server: String,
    pub dump: String,
    /// The collation and the C library's version that the database was made under, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
}

/// One object of a set, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object<W = Content> {
    /// Its name in the set's folder.
    pub name: String,
    pub what: W,
    /// As it is stored.
    pub bytes: u64,
    pub sha256: String,
    /// Once it is opened and decompressed. Absent for keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_sha256: Option<String>,
}

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// `pg_dump`'s custom format.
    Database,
    /// A script of one member's rows of an n8n that tenants share, for `psql`.
    Member,
    /// An array of workflows, as n8n exports them.
    Workflows,
    /// An array of credentials, as n8n exports them: encrypted with n8n's own key.
    Credentials,
    /// n8n's own key; of a member one that was made for this set, which its credentials are encrypted with.
    EncryptionKey,
    /// What the others are sealed for, itself sealed for the recovery key.
    TenantKey,
}

/// What a set does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omission {
    pub what: String,
    pub why: String,
}

/// Why a manifest is not gone by.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest is not the one that was written")]
    Other,
    #[error("the manifest does not read as one: {0}")]
    Unreadable(#[source] serde_json::Error),
    #[error("the set has form {0}, and this release reads form {FORMAT}")]
    Format(u32),
}

impl Content {
    /// What its object is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database.dump.zst.age",
            Self::Member => "member.sql.zst.age",
            Self::Workflows => "workflows.json.zst.age",
            Self::Credentials => "credentials.json.zst.age",
            Self::EncryptionKey => "encryption-key.age",
            Self::TenantKey => "tenant-key.age",
        }
    }
}

impl Manifest {
    /// As it is stored: for people too.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads one. `sha256` is what was noted when it was written, where that is known.
    pub fn read(text: &[u8], sha256: Option<&str>) -> Result<Self, ManifestError> {
        if sha256.is_some_and(|sha256| sha256 != hex::encode(Sha256::digest(text))) {
            return Err(ManifestError::Other);
        }
        let form: Form = serde_json::from_slice(text).map_err(ManifestError::Unreadable)?;
        if form.format != FORMAT {
            return Err(ManifestError::Format(form.format));
        }
        serde_json::from_slice(text).map_err(ManifestError::Unreadable)
    }

    /// What all its objects take.
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).sum()
    }
}

impl Object {
    /// What was stored of this content.
    pub fn new(what: Content, stored: Stored, plain: Option<crate::seal::Plain>) -> Self {
        Self::named(what.name(), what, stored, plain)
    }
}

impl<W> Object<W> {
    /// What was stored under this name.
    pub fn named(name: &str, what: W, stored: Stored, plain: Option<crate::seal::Plain>) -> Self {
        let (plain_bytes, plain_sha256) = plain.map(|plain| (plain.bytes, plain.sha256)).unzip();
        let Stored { bytes, sha256 } = stored;
        Self { name: name.to_owned(), what, bytes, sha256, plain_bytes, plain_sha256 }
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}
