//! How tenants' owners get in. Asked over the bus, because only this service can open tenants' secrets.

mod initial;
mod reset;

use common::{
    error::{Classify, Kind},
    operations::StepError,
};
use secrecy::SecretString;

pub use initial::initial_login;
pub use reset::reset_login;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct NoLogin {
    kind: Kind,
    detail: String,
}

impl Classify for NoLogin {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn public_detail(&self) -> String {
        self.detail.clone()
    }
}

impl From<StepError> for NoLogin {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Failed { kind, detail, cause, .. } => {
                tracing::debug!(error = cause, "a question about a login was not answered");
                Self { kind, detail }
            }
            StepError::LeaseLost => Self { kind: Kind::Internal, detail: String::new() },
        }
    }
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
