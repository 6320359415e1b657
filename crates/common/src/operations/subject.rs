//! What operations are done to.

use std::fmt;

use crate::{cluster::ClusterId, id::TenantId};

/// What one operation is done to: whatever takes turns with the others that are done to the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    Tenant(TenantId),
    Cluster(ClusterId),
}

/// What the operations of one kind are done to: tenants, or clusters.
pub trait SubjectId: Clone + fmt::Debug + Send + Sync + 'static {
    /// Out of what an operation says; `None`: it is done to something else.
    fn of(subject: &Subject) -> Option<Self>;
    /// The subject that this names.
    fn subject(&self) -> Subject;
}

impl SubjectId for TenantId {
    fn of(subject: &Subject) -> Option<Self> {
        subject.tenant()
    }

    fn subject(&self) -> Subject {
        Subject::Tenant(*self)
    }
}

impl SubjectId for ClusterId {
    fn of(subject: &Subject) -> Option<Self> {
        subject.cluster().cloned()
    }

    fn subject(&self) -> Subject {
        Subject::Cluster(self.clone())
    }
}

impl Subject {
    /// The tenant, if it is one.
    pub const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Tenant(tenant) => Some(*tenant),
            Self::Cluster(_) => None,
        }
    }

    /// The cluster, if it is one.
    pub const fn cluster(&self) -> Option<&ClusterId> {
        match self {
            Self::Tenant(_) => None,
            Self::Cluster(cluster) => Some(cluster),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => tenant.fmt(f),
            Self::Cluster(cluster) => cluster.fmt(f),
        }
    }
}

impl From<TenantId> for Subject {
    fn from(tenant: TenantId) -> Self {
        Self::Tenant(tenant)
    }
}

impl From<ClusterId> for Subject {
    fn from(cluster: ClusterId) -> Self {
        Self::Cluster(cluster)
    }
}
