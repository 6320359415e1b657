#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends here"
)]

mod api;
mod called;
mod calls;
mod contents;
mod cut;
mod docker;
mod kinds;
mod n8n;
mod patience;
mod playbook;
mod queueing;

pub use api::{Answer, Api, Command, first_tenant};
pub use called::{Called, Told, assert_told_well, counted};
pub use calls::{Calls, tally};
pub use contents::{differing, fill, fingerprint, place, sql};
pub use cut::Network;
pub use docker::{Service, docker, holds_calls, labelled, main_of, redis, releases};
pub use kinds::{called_workflow, calling_workflow, failing_workflow, unsaved};
pub use n8n::{Answers, Customer, saying_workflow, slow_workflow, webhook_workflow};
pub use patience::eventually;
pub use playbook::Playbook;
pub use queueing::Queueing;
