//! Stateful stand-ins for the ports, for simulation and for tests of whoever uses them.
//!
//! One world, several actors: [`DatabaseWorld::actor`], [`QueueWorld::actor`], [`ExecutionWorld::actor`] and [`MemberWorld::actor`] give handles whose effects land in the
//! same state, and whose calls are told apart in the ledger.

mod copies;
mod databases;
mod executions;
mod ledger;
mod members;
mod moves;
mod queues;

pub use copies::FakeCopies;
pub use databases::{Database, DatabaseWorld, FakeDatabases};
pub use executions::{ExecutionWorld, FakeExecutions};
pub use ledger::{Entry, Fault};
pub use members::{FakeMain, FakeMember, FakeMembers, MemberWorld};
pub use moves::{FakeMoves, MoveWorld};
pub use queues::{FakeQueues, QueueWorld};
