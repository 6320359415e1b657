//! Operations that came over the bus, accepted like those that come over the API.

use common::operations::{self, NewOperation};
use sqlx::PgPool;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    Accepted,
    /// The very same was accepted before.
    Before,
    /// Something else was accepted under its id.
    AnotherHasItsId,
    /// The tenant's state does not allow it.
    Impossible,
}

/// Accepts it, once.
pub async fn accept(record: &PgPool, wanted: &NewOperation<'_>) -> Result<Submitted, sqlx::Error> {
    if operations::accept(record, wanted, None).await? {
        return Ok(Submitted::Accepted);
    }
    // Asked afterwards and apart: the same message may have been accepted by another replica while this one waited.
    let same = sqlx::query_scalar("select kind = $2 and tenant_id = $3 from operations where id = $1");
    let same = same.bind(wanted.id).bind(wanted.kind.name).bind(wanted.subject.tenant());
    Ok(match same.fetch_optional(record).await? {
        Some(true) => Submitted::Before,
        Some(false) => Submitted::AnotherHasItsId,
        None => Submitted::Impossible,
    })
}
