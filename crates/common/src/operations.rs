//! Long work that survives anything.
//!
//! An *operation* is a row; its *saga* is a line of steps, each with an undo; its *journal* is append-only. A worker claims
//! an operation under a *lease* with a *fence* number, reads the journal and continues where it ends: recovering is the
//! normal path. Every effect of a step is preceded by a look at the fence, so a worker that lost its lease cannot act.
//!
//! A step is done, fails, or waits for something (*later*). It has a time limit, hears when its process stops, and a panic in it is its
//! failure; whoever takes up what somebody left in the middle notes that, so that a step which ends its processes ends stuck.
//!
//! An operation ends succeeded or rolled back. One that can do neither is stuck and calls a person, who resumes it or abandons
//! it. Whoever cancels one sets its `cancellation`; the next write to its journal turns it back.
//!
//! Operations are kept in Postgres. What they need of it is a port, [`Record`], so that simulations can keep them in memory.

pub mod accept;
mod begin;
mod drive;
mod gate;
mod journal;
mod kind;
mod lease;
mod metrics;
mod part;
mod policy;
mod saga;
mod store;
mod subject;
mod tally;
mod wake;
mod worker;

pub use accept::{Asked, NewOperation, Once, accept};
pub use drive::{Drive, Paused};
pub use gate::Gate;
pub use journal::{End, Entry, Event, IllegalEvent, Journal, Next, Status};
pub use kind::{Lane, OperationKind, Priority, Request, STATUSES, TenantRequest, read_as};
pub use lease::Lease;
pub use part::Child;
pub use policy::Failure;
pub use saga::{Context, ContextOf, Saga, Step, StepError, later};
pub use store::{
    Claim, Claimed, NewEntry, Parent, Part, PostgresRecord, Record, Store, StoreError, Transition,
};
pub use subject::{Subject, SubjectId};
pub use tally::{Class, LOST, Tally};
pub use wake::{Call, Wake};
pub use worker::Worker;
