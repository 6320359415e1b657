//! Which part of a cluster is meant.

use common::cluster::ClusterId;
use common::id::TenantId;

use crate::observed::Inventory;
use crate::ownership::{Ownership, Role, label};

/// What of a cluster is looked at. Looking costs what is selected: who waits for one tenant asks for that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    tenant: Option<TenantId>,
    of_it: Part,
}

/// What of the selected tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Everything,
    Containers,
    Role(Role),
}

impl Selection {
    /// Everything of the cluster.
    pub const ALL: Self = Self { tenant: None, of_it: Part::Everything };

    /// Everything of one tenant.
    pub const fn of(tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..Self::ALL }
    }

    /// Of that, containers and nothing else.
    #[must_use]
    pub const fn containers(self) -> Self {
        Self { of_it: Part::Containers, ..self }
    }

    /// Of that, containers of this role and nothing else.
    #[must_use]
    pub const fn role(self, role: Role) -> Self {
        Self { of_it: Part::Role(role), ..self }
    }

    /// Whether networks and volumes are meant too.
    pub(crate) const fn is_whole(self) -> bool {
        matches!(self.of_it, Part::Everything)
    }

    /// Whether this container is meant.
    pub(crate) fn holds(self, owner: &Ownership) -> bool {
        let role = match self.of_it {
            Part::Everything | Part::Containers => true,
            Part::Role(role) => owner.role == role,
        };
        role && self.holds_tenant(owner.tenant)
    }

    fn holds_tenant(self, tenant: Option<TenantId>) -> bool {
        self.tenant.is_none() || self.tenant == tenant
    }

    /// The labels that all selected containers of this cluster have, as engines filter by them. Networks and volumes have no role: they
    /// are asked for only when none is selected.
    pub(crate) fn labels(self, cluster: &ClusterId) -> Vec<String> {
        let tenant = self.tenant.map(|tenant| format!("{}={tenant}", label::TENANT));
        let role = match self.of_it {
            Part::Role(role) => Some(format!("{}={role}", label::ROLE)),
            Part::Everything | Part::Containers => None,
        };
        [format!("{}={cluster}", label::CLUSTER)].into_iter().chain(tenant).chain(role).collect()
    }
}

impl Inventory {
    /// Of this, what is selected. Containers of which nothing but the name is known stay: they may be.
    #[must_use]
    pub fn select(mut self, selection: Selection) -> Self {
        let whole = selection.is_whole();
        self.containers.retain(|container| selection.holds(&container.owner));
        self.networks.retain(|network| whole && selection.holds_tenant(network.tenant));
        self.volumes.retain(|volume| whole && selection.holds_tenant(volume.tenant));
        self
    }
}

#[cfg(test)]
mod tests {
    use common::tenant::Color;

    use super::*;

    #[test]
    fn a_selection_holds_what_its_labels_ask_for() {
        let (ours, theirs) = (TenantId::generate(), TenantId::generate());
        let cluster: ClusterId = "local".parse().unwrap();
        let owner = |tenant, role| Ownership {
            tenant,
            role,
            color: Color::Blue,
            generation: 1,
            cluster: cluster.clone(),
        };
        let all = [
            owner(Some(ours), Role::Main),
            owner(Some(ours), Role::Worker),
            owner(Some(theirs), Role::Main),
            owner(None, Role::Migrate),
        ];
        let cases = [
            (Selection::ALL, 4),
            (Selection::ALL.containers(), 4),
            (Selection::ALL.role(Role::Main), 2),
            (Selection::of(ours), 2),
            (Selection::of(ours).containers(), 2),
            (Selection::of(ours).role(Role::Worker), 1),
            (Selection::of(theirs).role(Role::Worker), 0),
        ];
        for (selection, held) in cases {
            assert_eq!(all.iter().filter(|owner| selection.holds(owner)).count(), held, "{selection:?}");
            let wanted = selection.labels(&cluster);
            let labelled = all.iter().filter(|owner| {
                let labels: Vec<_> = owner.labels().into_iter().map(|(k, v)| format!("{k}={v}")).collect();
                wanted.iter().all(|label| labels.contains(label))
            });
            assert_eq!(labelled.count(), held, "{selection:?}");
        }
    }
}
