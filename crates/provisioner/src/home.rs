//! Where a tenant lives. What is made for it follows from this and from its own rows, never from what a process was told.

use common::{error::Kind, operations::StepError, tenant::Color};
use engine::ClusterId;
use n8n::Version;

/// A place in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// A project in an n8n that it has in common with others.
    Shared { cluster: ClusterId, instance: String, project: String },
    /// Containers, a database and a network of its own.
    Dedicated(Dedicated),
}

/// What is a dedicated tenant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedicated {
    pub cluster: ClusterId,
    /// The side that serves.
    pub color: Color,
    /// The n8n that it runs.
    pub version: Version,
}

impl Home {
    /// The cluster that it is in.
    pub const fn cluster(&self) -> &ClusterId {
        match self {
            Self::Shared { cluster, .. } | Self::Dedicated(Dedicated { cluster, .. }) => cluster,
        }
    }

    /// The tenant's own, for whoever works on that.
    pub fn dedicated(self) -> Result<Dedicated, StepError> {
        match self {
            Self::Dedicated(own) => Ok(own),
            Self::Shared { .. } => {
                Err(StepError::failed(Kind::Internal, "the tenant has nothing of its own: it shares an n8n"))
            }
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
