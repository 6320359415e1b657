//! Secrets: the platform's own, read from the environment or a backend and again while the process runs; and tenants' at rest,
//! wrapped by a master key that can be rotated.

mod backend;
mod followers;
mod master;
mod random;
mod rereading;
pub mod stored;

pub use backend::{Backend, BackendConfig, BackendError};
pub use followers::Followers;
pub use master::{MasterKeys, SecretError, Wrapped};
pub use random::random_bytes;
pub(crate) use rereading::Source;
pub use stored::StoredError;
