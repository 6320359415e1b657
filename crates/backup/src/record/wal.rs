//! What the record's server writes, from one base backup to the next, within a minute in the store: so that what is lost with the server is what
//! happened in that minute, and not in an hour (docs/adr/0061).
//!
//! WAL is the whole server's, and so are base backups: the tenants' databases that are on it are in them.

pub mod archive;
mod archiver;
mod aside;
mod base;
pub mod bases;
mod lsn;
mod position;
mod receiving;
pub mod shown;
mod source;
mod strand;
mod way_back;

use sqlx::{Connection as _, PgConnection};

pub use archive::{Chain, Lineage, Lineages};
pub use archiver::Archiver;
pub use aside::Aside;
pub use base::{BASES, BaseManifest, BasePart};
pub use bases::Bases;
pub use lsn::{Lsn, Segment, SegmentBytes};
pub use position::Position;
pub use source::{SLOT, Source};
pub use way_back::{Checked, WayBack};

use super::{RecordError, Server};

/// Takes the turn to do what one process does at a time, unless somebody has it. It is given back when the connection ends, whatever ends it.
async fn turn(server: &Server, what: &'static str) -> Result<Option<PgConnection>, RecordError> {
    let mut connection = server.connect().await?;
    let asked = sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended('rp9: ' || $1, 0))");
    let ours: bool = asked.bind(what).fetch_one(&mut connection).await?;
    Ok(ours.then_some(connection))
}

/// Fails once the turn is lost.
async fn still_ours(turn: &mut PgConnection) -> Result<(), RecordError> {
    turn.ping().await.map_err(|_| RecordError::Overtaken)
}
