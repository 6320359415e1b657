//! A connection for taking from a queue.

use sqlx::PgPool;

use super::Statements;

/// A connection on which a queue is walked in its order, on an index, until an entry is to be had. Left to itself the planner goes
/// by statistics from before a rush, reads the whole queue and sorts it: each time, and the longer the queue the longer.
pub fn in_order(pool: &PgPool) -> Statements {
    // Whoever takes from a queue asks for one after the other.
    Statements::with(pool, 1, |pool| {
        let settings = ["enable_sort", "enable_bitmapscan", "enable_seqscan"].map(|setting| (setting, "off"));
        (*pool.connect_options()).clone().options(settings)
    })
}
