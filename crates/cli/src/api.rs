//! The HTTP API of a gateway: who asks, what is sent, what comes back.

mod attempt;
mod client;
mod credential;
mod pages;
mod problem;
mod request;
mod signing;
mod unreachable;

pub use attempt::{Answer, Trouble};
pub use client::{Api, Place};
pub use credential::{Credential, Mint};
pub use pages::{Page, PageLimit};
pub use problem::Refusal;
pub use request::{Request, path, with_query};
pub use signing::unix_seconds;
pub use unreachable::Unreachable;
