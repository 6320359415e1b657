//! Why an n8n that somebody else runs cannot be shared as it is.

use crate::databases::{DatabaseError, has_code};

/// What is in the way, in words for whoever configured it. None of it tells an address or a secret.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error("The n8n at SHARED_N8N_BASE_URL does not answer, or not as it should.")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("Whoever answers at SHARED_N8N_BASE_URL does not speak as n8n's public API does (status {0}).")]
    NotN8n(u16),
    #[error("The n8n does not know the key in SHARED_N8N_API_KEY.")]
    KeyRefused,
    #[error(
        "The key in SHARED_N8N_API_KEY may too little: it has to be an owner's or an admin's, with user:list, user:delete, workflow:activate, \
         workflow:deactivate and execution:stop among its scopes."
    )]
    KeyTooWeak,
    #[error("The database at SHARED_N8N_DATABASE_URL does not answer.")]
    DatabaseAway(#[source] DatabaseError),
    #[error(
        "The database at SHARED_N8N_DATABASE_URL refuses what has to be done in it: the login there has to be the one that n8n has itself, which owns \
         n8n's tables, and the schema rp9 if there is one."
    )]
    DatabaseRefused(#[source] DatabaseError),
    #[error(
        "The login in SHARED_N8N_DATABASE_URL may make no schema in its database, and what keeps tenants apart needs one (rp9): whoever owns that database \
         has to GRANT CREATE ON DATABASE … TO this login."
    )]
    LoginTooWeak,
    #[error("The tables at SHARED_N8N_DATABASE_URL are not those of a version that this release knows: {0}.")]
    VersionUnknown(String),
    #[error("The database at SHARED_N8N_DATABASE_URL is not that of the n8n at SHARED_N8N_BASE_URL.")]
    AnotherDatabase,
    #[error(
        "The n8n signs with another secret than follows from SHARED_N8N_ENCRYPTION_KEY: that is not its key, or it has an \
         N8N_USER_MANAGEMENT_JWT_SECRET, which SHARED_N8N_JWT_SECRET has to repeat."
    )]
    AnotherSecret,
    #[error(
        "Others than its owner have workflows in the n8n, which would not run any more: what keeps tenants apart leaves room for nobody else."
    )]
    NotAlone,
    #[error(
        "The n8n does not run the platform's hooks, which keep tenants apart, or does not get the edge's header."
    )]
    NoHooks,
}

impl Unfit {
    /// The stable word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Away(_) => "away",
            Self::NotN8n(_) => "not_n8n",
            Self::KeyRefused => "key_refused",
            Self::KeyTooWeak => "key_too_weak",
            Self::DatabaseAway(_) => "database_away",
            Self::DatabaseRefused(_) => "database_refused",
            Self::LoginTooWeak => "login_too_weak",
            Self::VersionUnknown(_) => "version_unknown",
            Self::AnotherDatabase => "another_database",
            Self::AnotherSecret => "another_secret",
            Self::NotAlone => "not_alone",
            Self::NoHooks => "no_hooks",
        }
    }

    /// Whether it passes by itself: what is asked for meanwhile waits.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Away(_) | Self::DatabaseAway(_))
    }
}

impl From<DatabaseError> for Unfit {
    fn from(error: DatabaseError) -> Self {
        use common::error::Classify as _;
        if let DatabaseError::NotUnderstood(found) = error {
            return Self::VersionUnknown(found);
        }
        // On the platform's own server a login that is refused is one that changes this moment; here somebody wrote a wrong one.
        let shut = matches!(&error, DatabaseError::Unavailable(cause) if has_code(cause, "28000") || has_code(cause, "28P01"));
        if !shut && error.kind().is_transient() {
            Self::DatabaseAway(error)
        } else {
            Self::DatabaseRefused(error)
        }
    }
}
