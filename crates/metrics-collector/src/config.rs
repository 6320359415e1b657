//! What this service is told.

use common::{
    cluster::ClusterId,
    config::{Env, Section},
};
use n8n::AdminUrls;
use secrecy::SecretString;
use url::Url;

/// Everything it reads.
pub struct Config {
    /// Whose tenants it looks at.
    pub cluster: ClusterId,
    /// Where their queues and databases are.
    pub admins: AdminUrls,
    /// Where the cluster's edge tells how often they were called.
    pub edge: EdgeMetrics,
}

/// The edge's entrypoint `metrics`.
pub struct EdgeMetrics {
    pub url: Url,
    pub password: SecretString,
}

impl Section for EdgeMetrics {
    fn read(env: &mut Env) -> Option<Self> {
        let (url, password) = (env.required("EDGE_METRICS_URL"), env.secret("EDGE_METRICS_PASSWORD"));
        Some(Self { url: url?, password: password? })
    }
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (cluster, admins) = (env.required("CLUSTER_ID"), AdminUrls::read(env));
        let edge = EdgeMetrics::read(env);
        Some(Self { cluster: cluster?, admins: admins?, edge: edge? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sets_it_up_finds_all_that_it_reads() {
        let names = common::service::names_read::<Config>(Env::of([("CLUSTER_ID", "local")]));
        assert_eq!(testkit::settings::unheard_of(&names), [""; 0]);
    }
}
