//! Stateful stand-ins for the two ports, for simulation and for tests of whoever uses them.
//!
//! One world, several actors: [`DatabaseWorld::actor`] and [`QueueWorld::actor`] give handles whose effects land in the
//! same state, and whose calls are told apart in the ledger.

mod databases;
mod ledger;
mod queues;

pub use databases::{Database, DatabaseWorld, FakeDatabases};
pub use ledger::{Entry, Fault};
pub use queues::{FakeQueues, QueueWorld};
