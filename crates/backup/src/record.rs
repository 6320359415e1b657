//! The platform's own record, kept outside of the platform: a dump each hour, sealed for the operator's recovery key, from which the record comes
//! back when nothing else is left (docs/adr/0056).
//!
//! Which sets there are only the store says: a list in the record would be lost with it.

mod check;
mod dump;
mod error;
mod keys;
mod lost;
mod manifest;
mod moment;
mod opened;
mod restore;
mod server;
mod sets;
pub mod shown;
pub mod wal;

use std::sync::Arc;

use common::schedules::{Misses, Schedule};
use objects::{Objects, seal::Recipient};

pub use check::{Opened, open_set};
pub use dump::DumpRecord;
pub use error::RecordError;
pub use keys::{KeyTexts, KeysInUse};
pub use lost::{Lost, LostError, lost};
pub use manifest::RecordManifest;
pub use opened::{last_opened, note_opened};
pub use restore::{Filling, Former, Recovered, may_be_filled};
pub use server::Server;
pub use sets::{Set, Sets, look, written};

/// What dumps are made with.
#[derive(Clone)]
pub struct Record {
    pub server: Server,
    pub objects: Arc<dyn Objects>,
    /// What the set's key is sealed for.
    pub recovery: Recipient,
    pub keys: KeysInUse,
}

/// When they are made. Of hours that were missed the first makes a dump, and the others find it.
pub fn schedule() -> Schedule {
    Schedule::new("backup.record", DumpRecord::NAME, "0 * * * *", Misses::CatchUp)
}
