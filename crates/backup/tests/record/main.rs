//! Sagas and rounds on a real record, in a world of fakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

mod damaged;
mod every_step;
mod extract;
mod kept;
mod lost;
mod members;
mod nights;
mod support;
