//! Live events: what happened, told to whoever follows and may know.
//!
//! The record numbers events so that whoever read one has read all before it (migration `0003_events`). One task a
//! process looks for new ones ten times a second and hands them to all its clients at once, through a queue of bounded
//! length: a client that does not keep up falls out of it and is cut off; nobody waits for it. A poll, not
//! `LISTEN`: notifications make every commit take turns, and this costs one small statement and works through poolers.
//! A second task publishes the same events on the bus. Neither needs the other.

mod feed;
mod hub;
mod relay;
mod resume;
mod selection;
mod view;

pub use feed::{End, Feed};
use hub::Hub;
pub use resume::Reset;
pub use selection::{
    EventsQuery, Following, LastEventId, OperationEventsQuery, Selection, Since, read_operation_query,
    read_query,
};
pub use view::{EndView, ResetView};

use std::sync::Arc;

use common::{bus::Bus, config::Env, database::Statements, service::Tasks};
use sqlx::PgPool;

use crate::store::reader::Readers;

/// Each is a connection and a task: some 10 kB.
const CLIENTS: usize = 1_000;

/// Reads how many clients may follow events at the same time.
pub fn clients(env: &mut Env) -> Option<usize> {
    env.or("EVENT_CLIENTS", CLIENTS)
}

/// The events of the record, and everybody who follows them in this process.
pub struct Events {
    hub: Hub,
    database: PgPool,
    statements: Statements,
    readers: Readers,
    bus: Bus,
    tasks: Tasks,
}

impl Events {
    /// The events of this record, with room for so many clients. Nothing is told before [`Events::start`].
    pub fn new(
        clients: usize,
        (database, statements): (PgPool, Statements),
        readers: Readers,
        bus: Bus,
        tasks: Tasks,
    ) -> Arc<Self> {
        Arc::new(Self { hub: Hub::new(clients), database, statements, readers, bus, tasks })
    }

    /// Starts both tasks.
    pub fn start(self: &Arc<Self>) {
        hub::keep_up(self);
        relay::keep_publishing(self);
    }
}
