//! How work on the tenants' databases fails.

use common::error::{Classify, Kind};

use super::Name;
use crate::Version;

/// Why a verb of [`super::TenantDatabases`] did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The server does not answer, or does not at the moment. It may have acted.
    #[error("the tenants' database server is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The server did not do it within its time, or was cut off in the middle of it.
    #[error("the tenants' database server took too long: {0}")]
    TooSlow(&'static str, #[source] sqlx::Error),
    /// The server refused a statement of ours.
    #[error("the tenants' database server refused: {0}")]
    Refused(&'static str, #[source] sqlx::Error),
    #[error("there is no finished template for n8n {0}")]
    NoTemplate(Version),
    /// It counts as unfinished from here on, so it is made anew.
    #[error("the template for n8n {0} cannot be copied")]
    UnfitTemplate(Version, #[source] sqlx::Error),
    #[error("there is no database {0}")]
    NoDatabase(Name),
    #[error("there is no role {0}")]
    NoRole(Name),
    #[error("the role {0} still owns something")]
    RoleInUse(Name),
    /// The instance has no owner to hang this on, or the owner is not what n8n makes.
    #[error("the instance in {0} has no owner yet")]
    NoOwner(Name),
    /// Neither seeding nor counting is safe in tables we do not know.
    #[error("the schema is not understood: {0}")]
    NotUnderstood(String),
    /// It is made anew by whoever is to read it.
    #[error("nothing counts what the instance runs")]
    Unmetered,
    #[error("a password holds characters outside printable ASCII")]
    Password,
    /// Those of keepers follow from it, so that everybody could work them out.
    #[error("the URL of the tenants' database server has no password")]
    NoPassword,
    #[error("random numbers are not to be had")]
    Randomness,
    #[error(transparent)]
    Migration(#[from] MigrationFailed),
}

impl Classify for DatabaseError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable(_) | Self::TooSlow(..) => Some(
                "Look at the tenants' Postgres: whether it runs, takes connections and may be written to.",
            ),
            Self::NotUnderstood(_) => Some(
                "This release does not know the schema of that n8n version: N8N_VERSION, which new tenants get, has to be one it knows.",
            ),
            Self::NoPassword => Some(
                "The login in TENANT_DATABASE_ADMIN_URL has to have a password, whichever way the server knows it by: those of the keepers follow from it.",
            ),
            Self::Migration(failed) => failed.hint,
            Self::Refused(..)
            | Self::NoTemplate(_)
            | Self::UnfitTemplate(..)
            | Self::NoDatabase(_)
            | Self::NoRole(_)
            | Self::RoleInUse(_)
            | Self::NoOwner(_)
            | Self::Unmetered
            | Self::Password
            | Self::Randomness => None,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            // Whoever makes templates makes this one, and then it goes on.
            Self::Unavailable(_) | Self::NoTemplate(_) | Self::UnfitTemplate(..) | Self::Unmetered => {
                Kind::Unavailable
            }
            Self::TooSlow(..) => Kind::Timeout,
            Self::NoDatabase(_) | Self::NoRole(_) | Self::NoOwner(_) => Kind::NotFound,
            Self::RoleInUse(_) => Kind::Conflict,
            Self::Password => Kind::Invalid,
            Self::Refused(..) | Self::NotUnderstood(_) | Self::NoPassword | Self::Randomness => {
                Kind::Internal
            }
            Self::Migration(failed) => failed.kind,
        }
    }
}

/// The migrations did not run to their end.
#[derive(Debug, thiserror::Error)]
#[error("the migrations of n8n did not finish")]
pub struct MigrationFailed {
    kind: Kind,
    hint: Option<&'static str>,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl MigrationFailed {
    /// Fails as its cause does: what is worth trying again stays so.
    pub fn because(cause: impl Classify) -> Self {
        Self { kind: cause.kind(), hint: cause.hint(), source: Box::new(cause) }
    }
}
