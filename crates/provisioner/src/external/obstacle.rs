//! What keeps tenants out of an n8n of somebody else's, as the record and the API tell it.

use n8n::members::Unfit;
use serde::Serialize;

use crate::config::ExternalSettings;

/// One thing that is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    pub code: &'static str,
    /// For whoever configured it.
    pub detail: String,
    /// Whether it passes by itself: what is asked for meanwhile waits. Otherwise it is refused.
    pub passes: bool,
}

impl Obstacle {
    /// Another one than that which tenants live in.
    pub fn another_n8n() -> Self {
        Self::lasting(
            "another_n8n",
            "The n8n at SHARED_N8N_BASE_URL is another one than that which tenants of this name live in.",
        )
    }

    /// What these settings lack.
    pub fn missing(settings: &ExternalSettings) -> Vec<Self> {
        let database = "SHARED_N8N_DATABASE_URL is not set. By its API alone no tenant can be kept apart from others in an n8n, limited, let rest, healed or removed \
                        without a trace.";
        let key = "SHARED_N8N_ENCRYPTION_KEY is not set. Without it no tenant can be given an API key, and no credentials can be copied.";
        let lacks = [
            (settings.database.is_none(), "no_database", database),
            (settings.encryption_key.is_none(), "no_encryption_key", key),
        ];
        lacks
            .into_iter()
            .filter(|(lacks, ..)| *lacks)
            .map(|(_, code, detail)| Self::lasting(code, detail))
            .collect()
    }

    fn lasting(code: &'static str, detail: &str) -> Self {
        Self { code, detail: detail.to_owned(), passes: false }
    }
}

impl From<&Unfit> for Obstacle {
    fn from(unfit: &Unfit) -> Self {
        Self { code: unfit.code(), detail: unfit.to_string(), passes: unfit.passes() }
    }
}
