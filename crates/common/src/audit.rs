//! The audit log as a chain: each row carries the hash of the row before it and its own, so that a row that was edited,
//! deleted, inserted or moved shows.
//!
//! Rows are written unchained, many at once. The sealer chains them afterwards, one sealer at a time, so that accepting a
//! request never waits for another one. Whoever can write to the database could compute a whole new chain; that is why the
//! end of the chain goes to the log with every batch, where the database's owner cannot change it: [`verify_against`] takes
//! such an [`Anchor`] and tells whether the chain still runs through it.

mod row;
mod seal;
mod verify;

pub use seal::{Anchor, seal};
pub use verify::{Fault, Report, verify, verify_against};
