//! The clusters.

use sqlx::{FromRow, PgExecutor};

/// Where tenants can be.
#[derive(Debug, Clone, FromRow)]
pub struct Cluster {
    pub id: String,
    pub region: String,
    /// Whether it takes new tenants.
    pub open: bool,
    /// What it complies with, in small letters.
    pub compliance: Vec<String>,
}

/// Which clusters are there, or have been?
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Cluster>, sqlx::Error> {
    // A provisioner of the release before may have written capitals.
    let all = "select id, region, state = 'active' as open, lower(compliance::text)::text[] as compliance
                 from clusters order by id";
    sqlx::query_as(all).fetch_all(executor).await
}
