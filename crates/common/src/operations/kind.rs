//! What has to be said about a sort of operation. Which sorts there are is said in `wire`, a module for each.

use std::{fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::SubjectId;
use crate::{id::TenantId, role::Role, tenant::TenantStatus};

/// All that the rest of the house needs to know about one sort of operation. Each has a saga in the service that does it.
#[derive(Debug)]
pub struct OperationKind {
    /// The word in the API, the database, metrics, logs and the audit log.
    pub name: &'static str,
    /// The service whose workers do it.
    pub service: &'static str,
    /// Beside what it may run.
    pub lane: Lane,
    /// Whether it needs its tenant to itself: it waits for what runs in other lanes too, and they for it.
    pub alone: bool,
    /// Whether it is refused while another one like it is open for the same tenant.
    pub single: bool,
    /// How a tenant may be for it to be accepted. Empty for what makes its tenant, and for what is done to a cluster.
    pub from: &'static [TenantStatus],
    /// How the tenant is from the acceptance to the end, if that differs from before. What it was before is kept with the operation.
    pub passes: Option<TenantStatus>,
    /// How the tenant is after it has succeeded, if that is always the same. Otherwise it is as it was.
    pub ends: Option<TenantStatus>,
    /// How long it may take from the moment it may begin, waiting for broken dependencies included.
    pub deadline: Duration,
    /// Unless somebody asks for another one.
    pub priority: Priority,
    /// Whether giving up, or being cancelled once it has started, means undoing.
    pub unwinds: bool,
    /// Who may ask for it. A service asks over the bus too.
    pub roles: &'static [Role],
    /// Checks a request that came as JSON, and gives it back as its row keeps it: [`read_as`] its type.
    pub read: fn(&Value) -> Result<Value, String>,
}

/// What operations of one tenant, or cluster, take turns with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What changes how the tenant lives.
    Life,
    /// What only reads it and works on the copy, for as long as it takes: an hour's backup never delays healing.
    Copies,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 2] = [Self::Life, Self::Copies];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Life => "life",
            Self::Copies => "copies",
        }
    }
}

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    High,
    Normal,
    Low,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The word in subjects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// Its number in the record: lower is more urgent.
    pub const fn rank(self) -> i16 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// What an operation is asked to do, as its row keeps it. Fields are added with a default and never renamed: rows outlive releases.
pub trait Request: fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is done to.
    type Subject: SubjectId;
    /// The sort of operation that is asked for with this.
    const KIND: &'static OperationKind;
}

/// What is asked of a tenant.
pub trait TenantRequest: Request<Subject = TenantId> {}

impl<R: Request<Subject = TenantId>> TenantRequest for R {}

/// Checks that this is a request of type `R` and has nothing besides. Rows are read more generously: a later release may have
/// written more into them.
pub fn read_as<R: Request>(given: &Value) -> Result<Value, String> {
    // An array would do where every field may be absent, and whoever sent one was told nothing.
    let fields = given.as_object().ok_or_else(|| "not an object".to_owned())?;
    let request = R::deserialize(given).map_err(|error| error.to_string())?;
    let read = serde_json::to_value(request).map_err(|error| error.to_string())?;
    let unknown = fields.keys().find(|key| read.get(key.as_str()).is_none());
    unknown.map_or(Ok(read), |key| Err(format!("unknown field `{key}`")))
}

impl OperationKind {
    /// The word in the API, the database, metrics, logs and the audit log.
    pub const fn as_str(&self) -> &'static str {
        self.name
    }

    /// How the tenant is after it, where it keeps its status until then.
    pub fn next_status(&self) -> Option<TenantStatus> {
        self.ends.filter(|_| self.passes.is_none())
    }

    /// Whether one that is open is reason enough to refuse another. Where its end gives the tenant a status, that status is the reason, and
    /// not if something that was accepted later gives it another one.
    pub fn is_refused_beside_its_like(&self) -> bool {
        self.single && self.next_status().is_none()
    }

    /// Whether somebody with this role may ask for it.
    pub fn is_open_to(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Names tell them apart.
impl PartialEq for OperationKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OperationKind {}

/// Every word that says how an operation is. The last three are its ends; `stuck` waits for a person.
pub const STATUSES: [&str; 7] =
    ["queued", "running", "undoing", "stuck", "succeeded", "rolled_back", "abandoned"];
