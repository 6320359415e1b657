//! Who owns an object in an engine, and the labels that say so.

use std::collections::{BTreeMap, HashMap};

use common::cluster::ClusterId;
use common::id::TenantId;
use common::tenant::Color;
use serde::Serialize;

/// The labels on everything we create. They are the only way in which we recognise our own.
pub mod label {
    /// The tenant's id, or [`SHARED`] for what serves all tenants of the shared instance.
    pub const TENANT: &str = "io.rp9.tenant";
    /// What a container does for its tenant.
    pub const ROLE: &str = "io.rp9.role";
    /// Which of the tenant's two sides a container belongs to.
    pub const COLOR: &str = "io.rp9.color";
    /// The generation of the row that asked for the object.
    pub const GENERATION: &str = "io.rp9.generation";
    /// The cluster whose control plane owns the object.
    pub const CLUSTER: &str = "io.rp9.cluster";
    /// The hash of the specification a container was made from.
    pub const SPEC: &str = "io.rp9.spec";
    /// Which way of launching a container this is, as its maker counts them.
    pub const LAUNCH: &str = "io.rp9.launch";
    /// Which of its maker's settings went into a container.
    pub const SETTINGS: &str = "io.rp9.settings";
    /// The record whose control plane drives the cluster.
    pub const RECORD: &str = "io.rp9.record";
    /// On shared containers that we did not create: the role under which tenants' networks get them attached.
    pub const ATTACH: &str = "io.rp9.attach";
    /// Everything that begins like this is ours to set.
    pub const PREFIX: &str = "io.rp9.";
    /// The value of [`TENANT`] where there is no single tenant. No tenant's id reads like this.
    pub const SHARED: &str = "shared";
}

/// What a container does for its tenant.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Role {
    /// Serves the editor, the API and webhooks.
    Main,
    /// Takes executions from the queue.
    Worker,
    /// Answers webhooks and forms beside a main, or without one.
    Webhook,
    /// Brings the tenant's database to the version of the image, then ends.
    Migrate,
}

impl Role {
    /// The word used in labels, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

/// Whose container this is, what for, and which generation of the row asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// The tenant; `None` for the shared instance.
    pub tenant: Option<TenantId>,
    pub role: Role,
    pub color: Color,
    /// Grows with every change of the row. Whoever comes with a smaller one than is found is refused.
    pub generation: i64,
    pub cluster: ClusterId,
}

impl Ownership {
    /// Reads the labels of a container; `None` when they are not completely ours.
    pub(crate) fn read(labels: &HashMap<String, String>) -> Option<Self> {
        Some(Self {
            tenant: read_tenant(labels)?,
            role: labels.get(label::ROLE)?.parse().ok()?,
            color: labels.get(label::COLOR)?.parse().ok()?,
            generation: labels.get(label::GENERATION)?.parse().ok()?,
            cluster: labels.get(label::CLUSTER)?.parse().ok()?,
        })
    }

    /// The labels that say this.
    pub(crate) fn labels(&self) -> BTreeMap<&'static str, String> {
        let mut labels = owner_labels(self.tenant, &self.cluster);
        labels.insert(label::ROLE, self.role.to_string());
        labels.insert(label::COLOR, self.color.to_string());
        labels.insert(label::GENERATION, self.generation.to_string());
        labels
    }

    /// Whether both mean the same place in the same tenant, whatever the generation.
    pub(crate) fn same_place(&self, other: &Self) -> bool {
        let Self { tenant, role, color, generation: _, cluster } = self;
        (tenant, role, color, cluster) == (&other.tenant, &other.role, &other.color, &other.cluster)
    }
}

/// The two labels that networks and volumes carry as well.
pub(crate) fn owner_labels(tenant: Option<TenantId>, cluster: &ClusterId) -> BTreeMap<&'static str, String> {
    BTreeMap::from([(label::TENANT, tenant_word(tenant)), (label::CLUSTER, cluster.to_string())])
}

/// Whether these labels name exactly this tenant (or the shared instance) and this cluster.
pub(crate) fn owned_by(
    labels: &HashMap<String, String>,
    tenant: Option<TenantId>,
    cluster: &ClusterId,
) -> bool {
    read_tenant(labels) == Some(tenant) && labels.get(label::CLUSTER).is_some_and(|c| c == cluster.as_str())
}

/// The outer `None`: the label is missing or nothing we would write. The inner one: the shared instance.
#[expect(clippy::option_option, reason = "two different absences, each with its meaning")]
pub(crate) fn read_tenant(labels: &HashMap<String, String>) -> Option<Option<TenantId>> {
    let word = labels.get(label::TENANT)?;
    if word == label::SHARED { Some(None) } else { word.parse().ok().map(Some) }
}

fn tenant_word(tenant: Option<TenantId>) -> String {
    tenant.map_or_else(|| label::SHARED.to_owned(), |id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership() -> Ownership {
        Ownership {
            tenant: Some(TenantId::generate()),
            role: Role::Worker,
            color: Color::Green,
            generation: 7,
            cluster: "local".parse().unwrap(),
        }
    }

    fn as_read(labels: BTreeMap<&'static str, String>) -> HashMap<String, String> {
        labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    #[test]
    fn labels_read_back_as_the_ownership_they_were_made_from() {
        let shared = Ownership { tenant: None, ..ownership() };
        for ownership in [ownership(), shared] {
            assert_eq!(Ownership::read(&as_read(ownership.labels())), Some(ownership));
        }
    }

    #[test]
    fn one_label_missing_or_strange_makes_it_foreign() {
        for key in [label::TENANT, label::ROLE, label::COLOR, label::GENERATION, label::CLUSTER] {
            let mut labels = as_read(ownership().labels());
            labels.insert(key.to_owned(), "?".to_owned());
            assert_eq!(Ownership::read(&labels), None, "{key} strange");
            labels.remove(key);
            assert_eq!(Ownership::read(&labels), None, "{key} missing");
        }
    }

    #[test]
    fn no_tenant_label_is_not_the_shared_instance() {
        let cluster = "local".parse().unwrap();
        assert!(!owned_by(&HashMap::new(), None, &cluster));
        assert!(owned_by(&as_read(owner_labels(None, &cluster)), None, &cluster));
    }
}
