//! As whom databases are entered: a tenant's by its keeper, wherever anything of the tenant's is read or written (ADR 72).

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::limits::Limits;
use super::session::{connect, is_refusal};
use super::{DatabaseError, Keeper, Name, PostgresDatabases, keeper};

impl PostgresDatabases {
    /// A connection to this tenant's database.
    pub(crate) async fn open(&self, name: &Name) -> Result<PgConnection, DatabaseError> {
        self.enter(name, &name.to_string()).await
    }

    /// The same for what takes as long as reading all of it.
    pub(crate) async fn open_patiently(&self, name: &Name) -> Result<PgConnection, DatabaseError> {
        self.enter_within(Limits::patient, name, &name.to_string()).await
    }

    /// The same to one of this tenant's that is being filled, or stands beside it.
    pub(crate) async fn open_filled(
        &self,
        name: &Name,
        database: &str,
    ) -> Result<PgConnection, DatabaseError> {
        self.enter_within(Limits::patient, name, database).await
    }

    /// A connection to one of this tenant's databases.
    pub(super) async fn enter(&self, name: &Name, database: &str) -> Result<PgConnection, DatabaseError> {
        self.enter_within(Limits::ordinary, name, database).await
    }

    async fn enter_within(
        &self,
        limited: fn(Limits, PgConnectOptions) -> PgConnectOptions,
        name: &Name,
        database: &str,
    ) -> Result<PgConnection, DatabaseError> {
        let mut entered = connect(&limited(self.limits, self.way_in(name, database)?)).await;
        if self.is_shut_out(database, &entered) {
            keeper::ensure(self, name, database).await?;
            entered = connect(&limited(self.limits, self.way_in(name, database)?)).await;
        }
        entered.map_err(|error| self.absent(name, database, error))
    }

    /// How one of this tenant's databases is entered, wherever it is. What code in it has to say is in nobody's log.
    pub(super) fn way_in(&self, name: &Name, database: &str) -> Result<PgConnectOptions, DatabaseError> {
        if let Some(elsewhere) = self.elsewhere(database) {
            return Ok(elsewhere);
        }
        let login = self.login.load();
        let Keeper { role, password } = login.keeper(name)?;
        let options = login.options.clone().username(&role).password(password.expose_secret());
        Ok(options.database(database).options([("client_min_messages", "error")]))
    }

    /// Whether it is another one's server, where nobody makes keepers.
    pub(super) fn is_elsewhere(&self, database: &str) -> bool {
        self.elsewhere(database).is_some()
    }

    fn elsewhere(&self, database: &str) -> Option<PgConnectOptions> {
        self.elsewhere.find(&database.parse().ok()?)
    }

    /// Whether a keeper has to be put right before anybody comes in.
    pub(super) fn is_shut_out<T>(&self, database: &str, entered: &Result<T, DatabaseError>) -> bool {
        let shut_out = entered.as_ref().is_err_and(keeper::is_shut_out);
        shut_out && !self.is_elsewhere(database)
    }

    /// What it means that it cannot be entered. One that is not where somebody else said says nothing of whether there is one, and one that is missing beside
    /// a tenant's nothing of the tenant's.
    pub(super) fn absent(&self, name: &Name, database: &str, error: DatabaseError) -> DatabaseError {
        let is_the_tenants = database.parse() == Ok(*name) && !self.is_elsewhere(database);
        // 3D000: there is no such database.
        if is_the_tenants && is_refusal(&error, "3D000") { DatabaseError::NoDatabase(*name) } else { error }
    }

    /// How the databases of this tenant are entered on the platform's own server.
    pub(crate) fn keeper(&self, name: &Name) -> Result<Keeper, DatabaseError> {
        self.login.load().keeper(name)
    }

    /// A connection to a template, in which no tenant has ever been.
    pub(super) async fn open_template(&self, template: &str) -> Result<PgConnection, DatabaseError> {
        connect(&self.limits.ordinary(self.login().database(template))).await
    }

    /// Enters a database with all of the platform's rights: for the platform's own schema there, and to say whose the rest is. No statement that reads or
    /// writes a table of n8n's belongs here, because whatever the tenant made of that would run with these rights; and names that do not say where
    /// they are mean the catalogue's.
    pub(super) async fn open_as_platform(&self, database: &str) -> Result<PgConnection, DatabaseError> {
        let options = self.elsewhere(database).unwrap_or_else(|| self.login().database(database));
        connect(&self.limits.ordinary(options).options([("search_path", "pg_catalog")])).await
    }
}
