//! What we need of an n8n that tenants share, for one of those who live in it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use secrecy::SecretString;
use time::Date;
use url::Url;

use crate::Version;
use crate::account::OwnerId;
use crate::databases::{Counts, Name, OwnerLogin};

mod api;
mod error;
mod flaw;
mod ids;
mod member;
pub mod paths;
mod postgres;
mod unfit;

pub use error::MemberError;
pub use flaw::{Checked, Expected, Flaw};
pub use ids::{ExecutionId, ProjectId, ProjectIdError, WorkflowId};
pub use member::{KEY_LABEL, Member, MemberLimits, Place, email};
pub(crate) use postgres::PUT_BACK;
pub use postgres::{ClientError, PostgresMembers};
pub use unfit::Unfit;

/// The members of shared n8ns. Each verb may be repeated, also after it was cut off anywhere, and may run several times at once; what is gone is
/// no failure unless somebody waits for it. Whoever works under a lease checks it before each that changes something.
#[async_trait]
pub trait Members: Send + Sync {
    /// Whether an n8n answers at this address, and takes this key.
    async fn answers(&self, main: &Main) -> Result<(), Unfit>;

    /// Whether the n8n that answers there, which somebody else runs, is the one in this database ([`crate::TenantDatabases::lead`]), signs with
    /// this secret, and has what keeps tenants apart. The platform's schema in its database is made, or brought up to date, on the way.
    async fn recognise(&self, main: &Main, jwt_secret: &SecretString) -> Result<Recognised, Unfit>;

    /// Makes the member with everything that n8n and the platform's schema have about one, in one transaction, puts right what somebody changed
    /// of it, and brings their limits and their key up to date. A password that is there, and marks, are left as they are. It needs
    /// [`crate::TenantDatabases::ensure_shared_schema`].
    async fn ensure(&self, instance: &Name, member: &Member) -> Result<(), MemberError>;

    /// Which of these members are not as they should be, and whether what all have in common is. As many questions, however many there are.
    async fn check(&self, instance: &Name, expected: &[Expected]) -> Result<Checked, MemberError>;

    /// Changes how much may run, from the next start on. Whether there is such a member.
    async fn set_limits(
        &self,
        instance: &Name,
        project: &ProjectId,
        limits: MemberLimits,
    ) -> Result<bool, MemberError>;

    /// Lets no execution begin any more, or again. Those that run go on. Whether there is such a member.
    async fn set_suspended(
        &self,
        instance: &Name,
        project: &ProjectId,
        suspended: bool,
    ) -> Result<bool, MemberError>;

    /// Lets neither sessions nor keys in any more, or again. Triggers go on. Whether there is such a member.
    async fn set_disabled(&self, instance: &Name, place: &Place, disabled: bool)
    -> Result<bool, MemberError>;

    /// What the member signs in with now.
    async fn login(&self, instance: &Name, place: &Place) -> Result<OwnerLogin, MemberError>;

    /// Gives the member this password, which ends every session of theirs, and forgets their second factor if told to.
    async fn reset_password(
        &self,
        instance: &Name,
        place: &Place,
        password_hash: &str,
        disable_mfa: bool,
    ) -> Result<(), MemberError>;

    /// What the member has, archived workflows included.
    async fn counts(&self, instance: &Name, project: &ProjectId) -> Result<Counts, MemberError>;

    /// The workflows that are active, in the order of their ids.
    async fn active_workflows(
        &self,
        instance: &Name,
        project: &ProjectId,
    ) -> Result<Vec<ActiveWorkflow>, MemberError>;

    /// Makes each active in the version that was noted. Those that n8n does not activate are told, and are no failure.
    async fn activate(&self, main: &Main, workflows: &[ActiveWorkflow]) -> Result<Vec<Skipped>, MemberError>;

    /// Makes each inactive. Their webhooks go a moment later ([`Self::webhooks`]).
    async fn deactivate(&self, main: &Main, workflows: &[WorkflowId]) -> Result<Vec<Skipped>, MemberError>;

    /// How many webhooks n8n listens on for the member.
    async fn webhooks(&self, instance: &Name, project: &ProjectId) -> Result<u64, MemberError>;

    /// The executions that have begun or are about to, and have not ended, in the order of their ids. One that waits for something is not among them.
    async fn running(&self, instance: &Name, project: &ProjectId) -> Result<Vec<ExecutionId>, MemberError>;

    /// Sets aside what waits for a time or a call, so that nothing of it goes on there; it can be put back, or be taken along by a copy
    /// ([`crate::copies::Moves`]). All that are aside then.
    async fn set_aside(
        &self,
        instance: &Name,
        project: &ProjectId,
    ) -> Result<BTreeSet<ExecutionId>, MemberError>;

    /// What is still aside went on somewhere else: it never waits here again.
    async fn end_aside(&self, instance: &Name, project: &ProjectId) -> Result<(), MemberError>;

    /// The way back: what was set aside waits again, all of it or these alone.
    async fn put_back(
        &self,
        instance: &Name,
        project: &ProjectId,
        only: Option<&BTreeSet<ExecutionId>>,
    ) -> Result<u64, MemberError>;

    /// Ends these executions; those that have ended are left alone. Their callers get an answer.
    async fn stop(&self, main: &Main, executions: &[ExecutionId]) -> Result<(), MemberError>;

    /// Deletes the member and all they have. What it was is noted in n8n's database first, since nothing else tells it afterwards, and kept there
    /// until [`Self::forget`]. It fails while a workflow is active ([`MemberError::StillActive`]) or has just
    /// been ([`MemberError::StillEnding`]); a running execution would never answer its
    /// caller. How often executions began stays.
    async fn remove(&self, main: &Main, place: &Place) -> Result<(), MemberError>;

    /// What is left of the member in any table, by its name: nothing after a removal.
    async fn left(&self, instance: &Name, place: &Place) -> Result<Vec<Leftover>, MemberError>;

    /// Forgets what was noted for the removal, and how often executions began.
    async fn forget(&self, instance: &Name, project: &ProjectId) -> Result<(), MemberError>;

    /// How often executions began.
    async fn usage(&self, instance: &Name, project: &ProjectId) -> Result<Usage, MemberError>;
}

/// Where a shared n8n answers, and what the platform shows it.
#[derive(Debug, Clone)]
pub struct Main {
    pub instance: Name,
    /// What the paths of the public API follow, such as `http://10.20.0.2:5678`; it may have a path itself.
    pub address: Url,
    /// The owner's: [`crate::TenantDatabases::seed_api_key`].
    pub key: SecretString,
}

/// An n8n that somebody else runs, as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// Tells it from any other.
    pub owner: OwnerId,
    /// The first release that has such tables.
    pub since: Version,
}

/// A workflow and which version of it runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct ActiveWorkflow {
    pub workflow: WorkflowId,
    pub version: String,
}

/// A workflow that n8n did not do it to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Skipped {
    pub workflow: WorkflowId,
    /// There is no such workflow, or no such version of it.
    pub gone: bool,
    /// n8n's own words.
    pub reason: String,
}

/// Rows of a member that has been removed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Leftover {
    pub table: String,
    pub rows: u64,
}

/// How many executions began, by the first day of the month (UTC). Runs by hand are not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage(pub BTreeMap<Date, u64>);

impl Usage {
    /// In the month of this day.
    pub fn of_month(&self, day: Date) -> u64 {
        let first = day.replace_day(1).unwrap_or(day);
        self.0.get(&first).copied().unwrap_or_default()
    }
}
