//! Hashing what people sign in with. It takes some 60 ms of a core: not for the thread of a runtime.

use common::{error::Kind, operations::StepError};
use n8n::account::{self, HashCost};
use secrecy::SecretString;

/// As n8n keeps it.
pub async fn hash(cost: HashCost, password: &SecretString) -> Result<String, StepError> {
    Ok(off_thread(move |password| account::hash_password_at(cost, password), password).await??)
}

/// Whether that is the hash of this password.
pub async fn is_hash_of(password: &SecretString, hash: &str) -> Result<bool, StepError> {
    let hash = hash.to_owned();
    off_thread(move |password| account::is_hash_of(password, &hash), password).await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce(&SecretString) -> T + Send + 'static,
    password: &SecretString,
) -> Result<T, StepError> {
    let password = password.clone();
    let done = tokio::task::spawn_blocking(move || work(&password)).await;
    done.map_err(|_| StepError::failed(Kind::Internal, "hashing a password failed"))
}
