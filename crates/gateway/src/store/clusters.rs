//! The clusters.

use sqlx::{FromRow, PgExecutor};

/// Where tenants can be.
#[derive(Debug, Clone, FromRow)]
pub struct Cluster {
    pub id: String,
    pub region: String,
    /// Whether it takes new tenants.
    pub open: bool,
    /// What it complies with.
    pub compliance: Vec<String>,
}

/// Which clusters are there, or have been?
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Cluster>, sqlx::Error> {
    sqlx::query_as("select id, region, state = 'active' as open, compliance from clusters order by id")
        .fetch_all(executor)
        .await
}
