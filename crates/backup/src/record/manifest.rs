//! What a copy of the record has in it: `manifest.json`, in clear, and written last. A folder without it is no copy.

use std::collections::BTreeMap;

use objects::manifest::{ManifestError, Object, Postgres};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The form that this release writes, and the only one it reads.
pub const FORMAT: u32 = 1;
/// The checksum of the manifest, sealed for the set's key: a manifest in which a bit is another is not gone by.
pub const SUM: &str = "manifest.sha256.age";

/// A whole set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordManifest {
    pub format: u32,
    /// The name of its folder.
    pub set: String,
    /// Which record it is of.
    pub record: String,
    /// The moment all of it is of.
    #[serde(with = "time::serde::rfc3339")]
    pub taken_at: OffsetDateTime,
    /// The newest migration that was applied.
    pub schema: i64,
    pub postgres: Postgres,
    /// The set's key opens with the recovery key of this recipient, and everything else with the set's key.
    pub recovery_recipient: String,
    pub set_recipient: String,
    pub objects: Vec<Object<Part>>,
    /// Rows of each table at that moment.
    pub rows: BTreeMap<String, u64>,
}

/// What an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What opens the others, sealed for the recovery key.
    SetKey,
    /// The master keys.
    Keys,
    /// `pg_dump`'s custom format.
    Database,
}

impl Part {
    /// What its object is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetKey => "set-key.age",
            Self::Keys => "keys.json.age",
            Self::Database => "database.dump.zst.age",
        }
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

impl RecordManifest {
    /// As it is stored: for people too.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads one, of this form.
    pub fn read(text: &[u8]) -> Result<Self, ManifestError> {
        let form: Form = serde_json::from_slice(text).map_err(ManifestError::Unreadable)?;
        if form.format != FORMAT {
            return Err(ManifestError::Format(form.format));
        }
        serde_json::from_slice(text).map_err(ManifestError::Unreadable)
    }

    /// The object that holds this, which every set has once.
    pub fn object(&self, part: Part) -> Option<&Object<Part>> {
        self.objects.iter().find(|object| object.what == part)
    }
}
