//! How tenants' owners get in. Asked over the bus, because only this service can open tenants' secrets.

mod initial;
mod reset;

use common::{error::Kind, operations::StepError};
use n8n::{account, databases::OwnerLogin};
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

/// Whether the owner gets in with this password.
async fn is_password_of(owner: &OwnerLogin, password: &SecretString) -> Result<bool, StepError> {
    let hash = owner.password_hash.clone();
    off_thread(move |password| account::is_hash_of(password, &hash), password).await
}
