//! What this service is told.

use common::{
    cluster::ClusterId,
    config::{Env, Section},
};
use n8n::AdminUrls;

/// Everything it reads.
pub struct Config {
    /// Whose tenants it looks at.
    pub cluster: ClusterId,
    /// Where their queues and databases are.
    pub admins: AdminUrls,
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (cluster, admins) = (env.required("CLUSTER_ID"), AdminUrls::read(env));
        Some(Self { cluster: cluster?, admins: admins? })
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
