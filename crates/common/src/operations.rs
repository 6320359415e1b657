//! Long work that survives anything: operations, their journal, leases and fences.

mod kind;

pub use kind::OperationKind;
