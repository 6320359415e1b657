//! Who is asking, and what proves it.
//!
//! Authority is a value that cannot be made elsewhere: the store answers only to a [`Scope`], which comes from a
//! [`Caller`], and changes the record only for a [`Command`], which exists once token, role and signature are checked.
//! A handler without one of them has nothing to ask the record with.

mod caller;
mod command;
mod dead_letter_of;
mod identity;
mod operation_of;
mod schedule_of;
mod secret;
mod shared_instance_of;
mod signature;
mod socket_caller;
mod tenant_of;
mod token;

pub use caller::{Access, Caller, Read};
pub use command::{Command, Target};
pub use common::role::Role;
pub use dead_letter_of::absent_dead_letter;
pub use identity::{Identity, Scope};
pub use operation_of::{OperationOf, absent_operation};
pub use schedule_of::absent_schedule;
pub use shared_instance_of::absent_shared_instance;
pub use signature::{Proof, SignatureRules, Signed};
pub use socket_caller::{BEARER, SocketCaller};
pub use tenant_of::{TenantOf, absent};
pub use token::TokenKeys;
