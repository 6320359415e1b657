//! The tenants' databases on a PostgreSQL server, through a role that may create databases and roles but is no
//! superuser.
//!
//! One connection per call and none kept, where calls are rare; what is asked again and again shares some ([`kept`]), which a removal of
//! their database ends. What changes something here does so under an advisory lock on the name it is about.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use secrecy::SecretString;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::{ApiKeyRow, Counts, DatabaseError, Migrate, Name, Observed, Owner, OwnerLogin, TenantDatabases};
use crate::{Version, account::OwnerId, credentials::Credential, schema::Family};

mod admit;
mod clone;
mod database;
mod elsewhere;
mod enter;
mod filling;
mod keeper;
mod kept;
mod limits;
mod login;
mod meter;
mod nothing;
mod observe;
mod owner;
mod places;
mod roles;
mod schema;
mod scram;
mod seed;
mod session;
mod shared;
mod statement;
mod template;

pub(crate) use filling::BeingFilled;
pub use limits::Limits;
pub(crate) use login::Keeper;
pub(crate) use meter::{ensure as ensure_meter, is_told};
pub(crate) use observe::{counts, credentials};
pub(crate) use owner::in_time;
pub(crate) use schema::family;
pub(crate) use seed::claim;
pub(crate) use session::{has_code, refused};
pub(crate) use statement::{identifier, run};

/// The real thing. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct PostgresDatabases {
    login: Arc<ArcSwap<login::Login>>,
    limits: Limits,
    kept: kept::Kept,
    elsewhere: elsewhere::Elsewhere,
}

impl fmt::Debug for PostgresDatabases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the login, which knows a password.
        f.debug_struct("PostgresDatabases").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the tenants' database server cannot be used")]
pub struct AdminUrlError(#[source] pub(crate) sqlx::Error);

impl PostgresDatabases {
    /// Databases on the server of this URL. The URL's own database is where the advisory locks live: every caller has
    /// to name the same one. Connects at the first call, not here.
    pub fn new(admin_url: &str) -> Result<Self, AdminUrlError> {
        let login = Arc::new(ArcSwap::from_pointee(login::Login::read(admin_url)?));
        let (limits, kept, elsewhere) = Default::default();
        Ok(Self { login, limits, kept, elsewhere })
    }

    /// Connects with this URL from now on: the same server, with another login.
    pub fn put_url(&self, admin_url: &str) -> Result<(), AdminUrlError> {
        self.login.store(Arc::new(login::Login::read(admin_url)?));
        self.kept.forget_all();
        Ok(())
    }

    /// The same, with other than the usual limits.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, kept: kept::Kept::default(), ..self }
    }
}

fn options(admin_url: &str) -> Result<PgConnectOptions, AdminUrlError> {
    let options: PgConnectOptions = admin_url.parse().map_err(AdminUrlError)?;
    // Statements carry verifiers, and names of tenants.
    Ok(options.disable_statement_logging().application_name("rp9-tenants"))
}

#[async_trait]
impl TenantDatabases for PostgresDatabases {
    fn lead(&self, name: &Name, url: &SecretString) -> Result<(), AdminUrlError> {
        if self.elsewhere.put(name, url)? {
            self.kept.forget(&name.to_string());
        }
        Ok(())
    }

    async fn ensure_template(&self, version: Version, migrate: &dyn Migrate) -> Result<(), DatabaseError> {
        template::ensure(self, version, migrate).await
    }

    async fn ensure_role(
        &self,
        name: &Name,
        password: &SecretString,
        connection_limit: u16,
    ) -> Result<(), DatabaseError> {
        let mut session = self.lock(&name.to_string()).await?;
        roles::ensure(&mut session, &name.to_string(), password, connection_limit).await?;
        session::hold(&mut session, &name.keeper()).await?;
        keeper::ensure_there(self, &mut session, name).await
    }

    async fn ensure_database(
        &self,
        name: &Name,
        owner: &Name,
        template: Version,
    ) -> Result<(), DatabaseError> {
        clone::ensure(self, name, owner, template).await
    }

    async fn seed_owner(&self, name: &Name, owner: &Owner) -> Result<OwnerId, DatabaseError> {
        let mut connection = self.open(name).await?;
        seed::owner(&mut connection, name, owner).await
    }

    async fn owner_login(&self, name: &Name) -> Result<OwnerLogin, DatabaseError> {
        let mut connection = self.open(name).await?;
        owner::login(&mut connection, name).await
    }

    async fn reset_owner(
        &self,
        name: &Name,
        password_hash: &str,
        disable_mfa: bool,
    ) -> Result<String, DatabaseError> {
        let mut connection = self.open(name).await?;
        owner::reset(&mut connection, name, password_hash, disable_mfa).await
    }

    async fn seed_api_key(&self, name: &Name, key: &ApiKeyRow) -> Result<(), DatabaseError> {
        let mut connection = self.open(name).await?;
        seed::api_key(&mut connection, name, key).await
    }

    async fn ensure_shared_schema(&self, name: &Name) -> Result<(), DatabaseError> {
        let alone = self.lock(&name.to_string()).await?;
        let ensured = shared::ensure(self, name).await;
        drop(alone);
        ensured
    }

    async fn schema(&self, name: &Name) -> Result<&'static Family, DatabaseError> {
        let mut connection = self.open(name).await?;
        schema::family(&mut connection).await
    }

    async fn final_state(&self, name: &Name) -> Result<Counts, DatabaseError> {
        let mut connection = self.open(name).await?;
        observe::counts(&mut connection).await
    }

    async fn credentials(&self, name: &Name) -> Result<Vec<Credential>, DatabaseError> {
        let mut connection = self.open(name).await?;
        observe::credentials(&mut connection).await
    }

    async fn unbegun(&self, name: &Name, executions: &[i64]) -> Result<Vec<i64>, DatabaseError> {
        let mut connection = self.open(name).await?;
        observe::unbegun(&mut connection, executions).await
    }

    async fn put_in_place(&self, name: &Name) -> Result<(), DatabaseError> {
        places::put_in_place(self, name).await
    }

    async fn keep_former(&self, name: &Name) -> Result<(), DatabaseError> {
        places::keep_former(self, name).await
    }

    async fn take_back(&self, name: &Name) -> Result<bool, DatabaseError> {
        places::take_back(self, name).await
    }

    async fn remove_beside(&self, name: &Name) -> Result<(), DatabaseError> {
        places::clear(self, name).await
    }

    async fn remove_database(&self, name: &Name) -> Result<(), DatabaseError> {
        places::clear(self, name).await?;
        if self.has_none(&[name.to_string()], nothing::DATABASES).await? {
            return Ok(());
        }
        let mut session = self.lock(&name.to_string()).await?;
        database::remove(&mut session, &name.to_string()).await
    }

    async fn remove_role(&self, name: &Name) -> Result<(), DatabaseError> {
        if self.has_none(&[name.to_string(), name.keeper()], nothing::ROLES).await? {
            return Ok(());
        }
        let mut session = self.lock(&name.to_string()).await?;
        session::hold(&mut session, &name.keeper()).await?;
        roles::remove(&mut session, name).await
    }

    async fn connections(&self) -> Result<u32, DatabaseError> {
        let mut connection = self.connect().await?;
        observe::connections(&mut connection).await
    }

    async fn sizes(&self) -> Result<Vec<(Name, u64)>, DatabaseError> {
        let mut connection = self.connect().await?;
        observe::sizes(&mut connection).await
    }

    async fn observe(&self) -> Result<Observed, DatabaseError> {
        let mut connection = self.borrow_own().await?;
        observe::all(&mut connection).await
    }
}
