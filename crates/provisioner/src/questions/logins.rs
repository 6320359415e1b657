//! How tenants' owners get in. Asked over the bus, because only this service can open tenants' secrets.

mod initial;
mod reset;

use common::{error::Kind, operations::StepError};
use secrecy::SecretString;

pub use initial::initial_login;
pub use reset::reset_login;

/// Hashing takes some 60 ms of a core: not for the thread of a runtime.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce(&SecretString) -> T + Send + 'static,
    password: &SecretString,
) -> Result<T, StepError> {
    let password = password.clone();
    let done = tokio::task::spawn_blocking(move || work(&password)).await;
    done.map_err(|_| StepError::failed(Kind::Internal, "hashing a password failed"))
}
