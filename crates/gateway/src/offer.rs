//! What there is to choose from: plans, the clusters to be on, and how to be hosted. It changes with a migration or an installation, so every
//! gateway keeps it for a moment.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use common::database::Statements;

use crate::{
    cached::Cached,
    store::{
        clusters::{self, Cluster},
        plans::{self, Plan},
        room,
    },
};

/// Something new may take this long to be known everywhere.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// So long nobody asks a record again that has not answered.
const FAILURE_KEPT_FOR: Duration = Duration::from_secs(1);

/// The plans and clusters at one moment.
#[derive(Debug)]
pub struct Offer {
    /// The smallest first.
    pub plans: Vec<Plan>,
    pub clusters: Vec<Cluster>,
    /// Whether there are n8ns that tenants share.
    pub shared: bool,
}

/// The offer as it was a moment ago.
#[derive(Debug, Default)]
pub struct Offers(Cached<Result<Arc<Offer>, Arc<sqlx::Error>>>);

impl Offers {
    /// What there is to choose from.
    pub async fn now(&self, statements: &Statements) -> Result<Arc<Offer>, Arc<sqlx::Error>> {
        let fresh = async || {
            let (mut plans, clusters, shared) = tokio::try_join!(
                plans::all(statements),
                clusters::all(statements),
                room::is_shared(statements)
            )?;
            plans.retain(|plan| plan.offered);
            Ok(Arc::new(Offer { plans, clusters, shared }))
        };
        self.0.get(|outcome| if outcome.is_ok() { KEPT_FOR } else { FAILURE_KEPT_FOR }, fresh).await
    }
}

impl AsRef<Self> for Offer {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Offer {
    /// The names of the plans.
    pub fn plan_names(&self) -> Vec<&str> {
        self.plans.iter().map(|plan| plan.name.as_str()).collect()
    }

    /// Where a new tenant can be.
    pub fn regions(&self) -> Vec<&str> {
        regions_of(self.open_in(None))
    }

    /// Where tenants are, or can be.
    pub fn known_regions(&self) -> Vec<&str> {
        regions_of(&self.clusters)
    }

    /// Whether some cluster in this region, or anywhere, complies with all of these.
    pub fn complies(&self, region: Option<&str>, tags: &[String]) -> bool {
        tags.is_empty()
            || self.open_in(region).any(|cluster| tags.iter().all(|tag| cluster.compliance.contains(tag)))
    }

    fn open_in(&self, region: Option<&str>) -> impl Iterator<Item = &Cluster> {
        let there = move |cluster: &&Cluster| region.is_none_or(|region| cluster.region == region);
        self.clusters.iter().filter(|cluster| cluster.open).filter(there)
    }
}

/// Each once, in their order.
fn regions_of<'a>(clusters: impl IntoIterator<Item = &'a Cluster>) -> Vec<&'a str> {
    let regions: BTreeSet<_> = clusters.into_iter().map(|cluster| cluster.region.as_str()).collect();
    regions.into_iter().collect()
}

/// An offer to test with: two plans, two regions, a cluster that takes no new tenants, and an n8n to share.
#[cfg(test)]
pub fn sample() -> Offer {
    let plan = |name: &str| Plan { name: name.to_owned(), ..Plan::default() };
    let cluster = |id: &str, region: &str, open, compliance: &[&str]| Cluster {
        id: id.to_owned(),
        region: region.to_owned(),
        open,
        compliance: compliance.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    Offer {
        plans: vec![plan("starter"), plan("pro")],
        clusters: vec![
            cluster("one", "eu-central", true, &["gdpr"]),
            cluster("two", "us-east", true, &["gdpr", "hipaa"]),
            cluster("three", "ap-south", false, &["everything"]),
        ],
        shared: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cluster_has_to_comply_with_everything() {
        let offer = sample();
        for (region, tags, expected) in [
            (None, &[][..], true),
            (Some("nowhere"), &[], true),
            (None, &["gdpr"], true),
            (None, &["gdpr", "hipaa"], true),
            (Some("us-east"), &["hipaa"], true),
            (Some("eu-central"), &["gdpr", "hipaa"], false),
            (Some("ap-south"), &["everything"], false),
            (None, &["everything"], false),
        ] {
            let tags: Vec<_> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            assert_eq!(offer.complies(region, &tags), expected, "{region:?} {tags:?}");
        }
    }

    #[test]
    fn regions_are_those_of_clusters_that_take_new_tenants() {
        assert_eq!(sample().regions(), ["eu-central", "us-east"]);
        assert_eq!(sample().known_regions(), ["ap-south", "eu-central", "us-east"]);
    }
}
