//! What we need of the server that holds the tenants' databases.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Version, account::OwnerId, credentials::Credential, schema::Family};

mod error;
mod name;
mod postgres;
mod template;

pub use error::{DatabaseError, MigrationFailed};
pub use name::{Beside, Name, NameError};
pub use postgres::{AdminUrlError, Limits, PostgresDatabases};
pub(crate) use postgres::{
    BeingFilled, Keeper, claim, counts, credentials, ensure_meter, family, has_code, identifier, in_time,
    is_told, refused, run,
};
pub use template::{template_name, version_of_template};

/// The tenants' databases. Each verb may be repeated and may run several times at once; removing what is gone succeeds.
#[async_trait]
pub trait TenantDatabases: Send + Sync {
    /// The database of an n8n that somebody else runs is where this URL says, from now on; with the login that n8n itself has. It is neither made
    /// nor removed here, and one that is not there is no [`DatabaseError::NoDatabase`].
    fn lead(&self, name: &Name, url: &SecretString) -> Result<(), AdminUrlError>;

    /// Makes the database that new tenants of `version` are cloned from, unless it is there and finished.
    ///
    /// `migrate` runs at most once at a time per version, and not at all when the template exists.
    async fn ensure_template(&self, version: Version, migrate: &dyn Migrate) -> Result<(), DatabaseError>;

    /// Makes the login role, or gives it this password and this limit.
    async fn ensure_role(
        &self,
        name: &Name,
        password: &SecretString,
        connection_limit: u16,
    ) -> Result<(), DatabaseError>;

    /// Makes the database as a clone of that version's template, usable and migratable by `owner` and by nobody else.
    /// A finished database is left as it is, whatever version it has reached since.
    async fn ensure_database(
        &self,
        name: &Name,
        owner: &Name,
        template: Version,
    ) -> Result<(), DatabaseError>;

    /// Gives the instance its owner, so that nobody else can claim it. An owner who exists is never changed, and is
    /// the one returned.
    async fn seed_owner(&self, name: &Name, owner: &Owner) -> Result<OwnerId, DatabaseError>;

    /// What the owner signs in with now, as n8n knows it.
    async fn owner_login(&self, name: &Name) -> Result<OwnerLogin, DatabaseError>;

    /// Gives the owner this password, which ends every session of theirs, and forgets their second factor if told to. Returns the
    /// e-mail they sign in with.
    async fn reset_owner(
        &self,
        name: &Name,
        password_hash: &str,
        disable_mfa: bool,
    ) -> Result<String, DatabaseError>;

    /// Stores an API key of the owner, replacing one of the same label.
    async fn seed_api_key(&self, name: &Name, key: &ApiKeyRow) -> Result<(), DatabaseError>;

    /// Brings the platform's own schema in the database of an instance that tenants share to this release's: what they may do, how much of it,
    /// and the role that they have. It needs the instance's tables.
    async fn ensure_shared_schema(&self, name: &Name) -> Result<(), DatabaseError>;

    /// The family of tables that this database has. It fails for one that is not understood.
    async fn schema(&self, name: &Name) -> Result<&'static Family, DatabaseError>;

    /// What is in the instance, for the record made before it is removed. It fails for tables that are not understood.
    async fn final_state(&self, name: &Name) -> Result<Counts, DatabaseError>;

    /// All that somebody has encrypted in the instance, by their ids. It fails for tables that are not understood.
    async fn credentials(&self, name: &Name) -> Result<Vec<Credential>, DatabaseError>;

    /// Which of these executions have not begun. It fails for tables that are not understood.
    async fn unbegun(&self, name: &Name, executions: &[i64]) -> Result<Vec<i64>, DatabaseError>;

    /// Puts the database that was filled beside a tenant's in its place, at one stroke; what was there is the former one from then on. Where
    /// there is a former one it was put in place before; where there is nothing of either kind it fails ([`DatabaseError::NoDatabase`]). Nobody may use either of them meanwhile: connections are ended.
    async fn put_in_place(&self, name: &Name) -> Result<(), DatabaseError>;

    /// Keeps a copy of the tenant's database as it is now as the former one, unless there is one already. Nobody may use it meanwhile: connections are ended. It takes
    /// as long as copying its files does.
    async fn keep_former(&self, name: &Name) -> Result<(), DatabaseError>;

    /// The way back: the former one is in use again, and the other beside it. Whether there was one.
    async fn take_back(&self, name: &Name) -> Result<bool, DatabaseError>;

    /// Drops whatever is beside a tenant's database.
    async fn remove_beside(&self, name: &Name) -> Result<(), DatabaseError>;

    /// Ends all its connections and drops the database, and whatever is beside it.
    async fn remove_database(&self, name: &Name) -> Result<(), DatabaseError>;

    /// Drops the role, and its keeper before it. Its database has to be gone first ([`DatabaseError::RoleInUse`]).
    async fn remove_role(&self, name: &Name) -> Result<(), DatabaseError>;

    /// How many connections the server lets ordinary roles have, all of them together.
    async fn connections(&self) -> Result<u32, DatabaseError>;

    /// How much of the disk each tenant's database takes, in bytes.
    async fn sizes(&self) -> Result<Vec<(Name, u64)>, DatabaseError>;

    /// Every database, role and template that is ours, in the order of their names.
    async fn observe(&self) -> Result<Observed, DatabaseError>;
}

/// Runs the migrations of a version against a database: a container of that n8n, in production.
#[async_trait]
pub trait Migrate: Send + Sync {
    /// Returns once every migration has been applied.
    async fn migrate(&self, target: &MigrationTarget) -> Result<(), MigrationFailed>;
}

/// The fresh database that is to become a template, and the login that owns what is made in it.
#[derive(Debug, Clone)]
pub struct MigrationTarget {
    pub version: Version,
    pub database: String,
    pub user: String,
    pub password: SecretString,
}

/// The person an instance belongs to, as far as n8n is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    /// Made by [`crate::account::hash_password`]. Not the password.
    pub password_hash: String,
}

/// What an owner signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerLogin {
    pub email: String,
    /// As [`crate::account::is_hash_of`] reads it.
    pub password_hash: String,
}

/// A row of n8n's table of API keys.
#[derive(Debug, Clone)]
pub struct ApiKeyRow {
    /// What tells this key from others of the same user.
    pub label: String,
    /// Made by [`crate::account::ApiKeySigner::sign`]. n8n stores it in clear.
    pub token: SecretString,
}

/// How much an instance holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    pub workflows: u64,
    pub active_workflows: u64,
    pub credentials: u64,
    pub executions: u64,
}

/// What is ours on the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    pub databases: Vec<ObservedDatabase>,
    pub roles: Vec<Name>,
    /// Those whose keeper is there, with or without a role.
    pub keepers: Vec<Name>,
    pub templates: Vec<ObservedTemplate>,
}

/// A tenant's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedDatabase {
    pub name: Name,
    /// False for one whose making or removal was interrupted.
    pub finished: bool,
}

/// A database that others are cloned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedTemplate {
    pub version: Version,
    pub finished: bool,
}
