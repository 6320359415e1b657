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
pub use hub::Hub;
pub use resume::Reset;
pub use selection::{
    EventsQuery, Following, LastEventId, OperationEventsQuery, Selection, Since, read_operation_query,
    read_query,
};
pub use view::{EndView, ResetView};

use crate::app::App;

/// Starts both tasks.
pub fn start(app: &App) {
    hub::keep_up(app);
    relay::keep_publishing(app);
}
