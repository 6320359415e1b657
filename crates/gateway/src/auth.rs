//! Who is asking, and what proves it.
//!
//! Authority is a value that cannot be made elsewhere: the store answers only to a [`Scope`], which comes from a
//! [`Caller`], and changes the record only for a [`Command`], which exists once token, role and signature are checked.
//! A handler without one of them has nothing to ask the record with.

mod backup_of;
mod bearer;
mod caller;
mod command;
mod dead_letter_of;
mod grant;
mod held_call_of;
mod identity;
mod key_of;
mod key_scope;
mod keys;
mod live_key;
mod operation_of;
mod rollout_of;
mod sandbox_of;
mod schedule_of;
mod scope;
mod secret;
mod shared_instance_of;
mod signature;
mod socket_caller;
mod standing;
mod tenant_of;
mod token;
mod visible;

pub use backup_of::{BackupOf, absent_backup};
pub use bearer::bearer;
pub use caller::{Access, Caller, Read};
pub use command::{Command, Target};
pub use common::role::Role;
pub use dead_letter_of::absent_dead_letter;
pub use grant::{Grant, unknown_tenant};
pub use held_call_of::absent_call;
pub use identity::Identity;
pub use key_of::{KeyOf, absent_key};
pub use key_scope::KeyScope;
pub use keys::{KeyText, Keys};
pub use live_key::LiveKey;
pub use operation_of::{OperationOf, absent_operation};
pub use sandbox_of::absent_sandbox;
pub use schedule_of::absent_schedule;
pub use scope::Scope;
pub use shared_instance_of::absent_shared_instance;
pub use signature::{Proof, SignatureRules, Signed};
pub use socket_caller::{BEARER, SocketCaller};
pub use standing::{Over, Standing};
pub use tenant_of::{TenantOf, absent};
pub use token::TokenKeys;
pub use visible::Visible;
