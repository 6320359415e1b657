//! Where a tenant lives. What is made for it follows from this and from its own rows, never from what a process was told.

use common::{error::Kind, id::TenantId, operations::StepError, tenant::Color};
use engine::ClusterId;
use n8n::{
    Version,
    databases::Name,
    members::{Place, ProjectId},
};

pub use wire::sides::{Second, Sides};

/// A place in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// A part of an n8n that it has in common with others.
    Shared(Workspace),
    /// Containers, a database and a network of its own.
    Dedicated(Dedicated),
}

/// A tenant's part of an n8n that it shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    pub cluster: ClusterId,
    /// The n8n, which is a tenant itself.
    pub instance: TenantId,
    /// Whether it is somebody else's, which nothing is done in before it was recognised.
    pub external: bool,
    /// Who the tenant is in there.
    pub place: Place,
}

impl Workspace {
    /// The database that it is in, with everybody else's.
    pub fn database(&self) -> Name {
        Name::of(self.instance)
    }
}

/// Who a tenant was in an n8n that it shared before it had one of its own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lived {
    pub instance: TenantId,
    pub place: Place,
}

/// Who a tenant was in an n8n that it shared, as far as its callers' paths still say so.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Former {
    pub instance: TenantId,
    pub project: ProjectId,
}

impl Lived {
    /// As a home in this cluster. The platform runs that n8n: nobody is moved out of another one.
    pub fn in_cluster(self, cluster: ClusterId) -> Workspace {
        Workspace { cluster, instance: self.instance, external: false, place: self.place }
    }
}

/// What is a dedicated tenant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedicated {
    pub cluster: ClusterId,
    /// The side that serves.
    pub color: Color,
    /// The n8n that it runs.
    pub version: Version,
    /// What stands beside it, in the other color.
    pub second: Option<Second>,
}

impl Dedicated {
    /// Its sides, wherever it is.
    pub const fn sides(&self) -> Sides {
        Sides { color: self.color, version: self.version, second: self.second }
    }
}

impl Home {
    /// The cluster that it is in.
    pub const fn cluster(&self) -> &ClusterId {
        match self {
            Self::Shared(Workspace { cluster, .. }) | Self::Dedicated(Dedicated { cluster, .. }) => cluster,
        }
    }

    /// Its part of a shared n8n, if it has one.
    pub fn workspace(self) -> Option<Workspace> {
        match self {
            Self::Shared(workspace) => Some(workspace),
            Self::Dedicated(_) => None,
        }
    }

    /// The tenant's own, for whoever works on that.
    pub fn dedicated(self) -> Result<Dedicated, StepError> {
        match self {
            Self::Dedicated(own) => Ok(own),
            Self::Shared(_) => Err(StepError::failed(
                Kind::Conflict,
                "The tenant has no containers of its own: it shares an n8n.",
            )),
        }
    }
}

/// Another cluster's engine, servers and edge are its own provisioner's: whoever came here by mistake waits for that one.
pub fn here(home: &ClusterId, cluster: &ClusterId) -> Result<(), StepError> {
    if home == cluster {
        return Ok(());
    }
    let detail = format!("the tenant lives in the cluster {home}, and this is {cluster}");
    Err(StepError::failed(Kind::Unavailable, detail)
        .with_hint("The provisioner of its own cluster goes on with it: look whether that one runs."))
}
