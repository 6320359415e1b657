//! How tenants' owners get in. Asked over the bus, because only this service can open tenants' secrets.

mod initial;
mod reset;

use common::{error::Kind, operations::StepError};
use n8n::{account, databases::OwnerLogin};
use secrecy::SecretString;

use crate::store::tenants::Tenant;

pub use initial::initial_login;
pub use reset::reset_login;

/// The owner of an n8n that is shared is the platform itself, which works in it by its key: nobody is told a password, nor given one.
fn is_somebodys(tenant: &Tenant) -> Result<(), StepError> {
    if tenant.purpose.is_customer() {
        return Ok(());
    }
    Err(StepError::failed(Kind::NotFound, "Nobody signs in to an n8n that tenants share as its owner."))
}

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
