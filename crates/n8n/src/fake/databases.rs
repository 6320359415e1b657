//! The tenants' databases, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use super::ledger::{Entry, Fault, Ledger};
use crate::databases::{
    AdminUrlError, ApiKeyRow, Beside, Counts, DatabaseError, Migrate, MigrationTarget, Name, Observed,
    ObservedDatabase, ObservedTemplate, Owner, OwnerLogin, TenantDatabases, template_name,
};
use crate::{Version, account::OwnerId, credentials::Credential, schema::Family};

/// The shared state. Clones are the same world.
#[derive(Debug, Clone, Default)]
pub struct DatabaseWorld {
    state: Arc<Mutex<State>>,
    /// Held while a template is made, as the server's lock on its name is.
    template: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    /// `None`: as many as anybody wants.
    connections: Option<u32>,
    templates: BTreeMap<Version, bool>,
    roles: BTreeMap<Name, (String, u16)>,
    databases: BTreeMap<Name, Database>,
    beside: BTreeMap<(Name, Beside), Database>,
    /// Databases of n8ns that somebody else runs, by their URL.
    elsewhere: BTreeMap<String, Database>,
    led: BTreeMap<Name, String>,
    /// What is in backups.
    backed_up: Vec<Credential>,
    /// What else is.
    held: Counts,
}

/// One tenant's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub owner: Name,
    pub version: Version,
    /// Whether its tables are some that we know.
    pub understood: bool,
    pub instance_owner: Option<(OwnerId, Owner)>,
    /// Whether the platform's schema for tenants that share it is there.
    pub shared_schema: bool,
    /// Label and key.
    pub api_keys: BTreeMap<String, String>,
    pub counts: Counts,
    /// What somebody has encrypted.
    pub credentials: Vec<Credential>,
    /// Executions that have begun; others have not.
    pub begun: BTreeSet<i64>,
    /// What it takes of the disk.
    pub bytes: u64,
}

impl DatabaseWorld {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle on this world whose calls carry this name in the ledger.
    pub fn actor(&self, name: &str) -> FakeDatabases {
        FakeDatabases { world: self.clone(), actor: name.to_owned() }
    }

    /// Every call so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.entries.clone()
    }

    /// Makes the next call of `verb` go wrong.
    pub fn inject(&self, verb: &'static str, fault: Fault) {
        self.state().ledger.inject(verb, fault);
    }

    /// Takes the server away, or brings it back.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.state().ledger.unreachable = unreachable;
    }

    /// A finished template, as if somebody had made it earlier.
    pub fn put_template(&self, version: Version) {
        self.state().templates.insert(version, true);
    }

    /// The database of a role that is there, filled from a backup of somebody's, as another service does it.
    pub fn load(&self, name: &Name, version: Version) {
        let loaded = self.loaded(name, version);
        self.state().databases.insert(*name, loaded);
    }

    /// What somebody has encrypted is in the backups that are loaded from now on.
    pub fn put_into_backups(&self, credentials: Vec<Credential>) {
        self.state().backed_up = credentials;
    }

    /// So much is in the backups that are loaded from now on, beside what is encrypted.
    pub fn put_counts_into_backups(&self, counts: Counts) {
        self.state().held = counts;
    }

    /// The same beside the one that is there.
    pub fn load_beside(&self, name: &Name, version: Version) {
        let loaded = self.loaded(name, version);
        self.state().beside.insert((*name, Beside::Next), loaded);
    }

    /// What somebody has elsewhere is kept beside that of a role that is there.
    pub(super) fn keep_beside(
        &self,
        name: &Name,
        version: Version,
        counts: Counts,
    ) -> Result<(), DatabaseError> {
        if !self.state().roles.contains_key(name) {
            return Err(DatabaseError::NoRole(*name));
        }
        let kept = Database { counts, ..self.loaded(name, version) };
        self.state().beside.insert((*name, Beside::Former), kept);
        Ok(())
    }

    /// What is beside a tenant's database.
    pub fn beside(&self, name: &Name, which: Beside) -> Option<Database> {
        self.state().beside.get(&(*name, which)).cloned()
    }

    fn loaded(&self, name: &Name, version: Version) -> Database {
        let state = self.state();
        assert!(state.roles.contains_key(name), "{name} has no role yet");
        let owner = Owner {
            email: "somebody@acme.example".to_owned(),
            first_name: "Some".to_owned(),
            last_name: "Body".to_owned(),
            password_hash: "$2b$10$of-the-backup".to_owned(),
        };
        Database {
            owner: *name,
            version,
            understood: true,
            instance_owner: Some((OwnerId(uuid::Uuid::now_v7()), owner)),
            shared_schema: false,
            api_keys: [("somebody's".to_owned(), "key".to_owned())].into(),
            counts: Counts {
                credentials: state.held.credentials + state.backed_up.len() as u64,
                ..state.held
            },
            credentials: state.backed_up.clone(),
            begun: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// How many connections there are for tenants.
    pub fn set_connections(&self, connections: u32) {
        self.state().connections = Some(connections);
    }

    /// The database of an n8n that somebody else runs, at this URL, with this key of its owner's.
    pub fn put_elsewhere(&self, url: &str, version: Version, owner: Owner, key: &str) {
        let database = Database {
            owner: Name::of(common::id::TenantId::generate()),
            version,
            understood: true,
            instance_owner: Some((OwnerId(uuid::Uuid::now_v7()), owner)),
            shared_schema: false,
            api_keys: [("somebody's".to_owned(), key.to_owned())].into(),
            counts: Counts::default(),
            credentials: Vec::new(),
            begun: BTreeSet::new(),
            bytes: 0,
        };
        self.state().elsewhere.insert(url.to_owned(), database);
    }

    /// Changes what that holds.
    pub fn change_elsewhere(&self, url: &str, change: impl FnOnce(&mut Database)) {
        if let Some(database) = self.state().elsewhere.get_mut(url) {
            change(database);
        }
    }

    pub(super) fn elsewhere(&self, url: &str) -> Option<Database> {
        self.state().elsewhere.get(url).cloned()
    }

    pub(super) fn led(&self, name: &Name) -> Option<String> {
        self.state().led.get(name).cloned()
    }

    pub(super) fn absent(&self, name: &Name) -> DatabaseError {
        self.state().absent(name)
    }

    /// What this database holds.
    pub fn database(&self, name: &Name) -> Option<Database> {
        self.state().find(name).cloned()
    }

    /// Changes what a database holds, as its n8n or its users would.
    pub fn change(&self, name: &Name, change: impl FnOnce(&mut Database)) {
        if let Some(database) = self.state().find(name) {
            change(database);
        }
    }

    /// The password and the connection limit of a role.
    pub fn role(&self, name: &Name) -> Option<(String, u16)> {
        self.state().roles.get(name).cloned()
    }
}

/// One actor's handle on a [`DatabaseWorld`].
#[derive(Debug, Clone)]
pub struct FakeDatabases {
    world: DatabaseWorld,
    actor: String,
}

fn away() -> DatabaseError {
    DatabaseError::Unavailable(sqlx::Error::PoolTimedOut)
}

impl FakeDatabases {
    fn call<T>(
        &self,
        verb: &'static str,
        target: impl ToString,
        effect: impl FnOnce(&mut State) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut state = self.world.state();
        match state.ledger.begin(verb, target.to_string(), &self.actor) {
            None => effect(&mut state),
            Some(Fault::BeforeEffect) => Err(away()),
            Some(Fault::AfterEffect) => effect(&mut state).and_then(|_| Err(away())),
        }
    }
}

impl Database {
    fn family(&self) -> Result<&'static Family, DatabaseError> {
        let family = Family::of(self.version).filter(|_| self.understood);
        family.ok_or_else(|| DatabaseError::NotUnderstood(format!("it is that of {}", self.version)))
    }
}

impl State {
    fn database(&mut self, name: &Name) -> Result<&mut Database, DatabaseError> {
        let absent = self.absent(name);
        self.find(name).ok_or(absent)
    }

    /// Wherever it is.
    fn find(&mut self, name: &Name) -> Option<&mut Database> {
        match self.led.get(name) {
            Some(url) => self.elsewhere.get_mut(url),
            None => self.databases.get_mut(name),
        }
    }

    fn absent(&self, name: &Name) -> DatabaseError {
        if self.led.contains_key(name) { away() } else { DatabaseError::NoDatabase(*name) }
    }
}

#[async_trait]
impl TenantDatabases for FakeDatabases {
    fn lead(&self, name: &Name, url: &SecretString) -> Result<(), AdminUrlError> {
        self.world.state().led.insert(*name, url.expose_secret().to_owned());
        Ok(())
    }

    async fn ensure_template(&self, version: Version, migrate: &dyn Migrate) -> Result<(), DatabaseError> {
        let _turn = self.world.template.lock().await;
        let target = version.to_string();
        let (fault, finished) = {
            let mut state = self.world.state();
            let fault = state.ledger.begin("ensure_template", target, &self.actor);
            (fault, state.templates.get(&version) == Some(&true))
        };
        if fault == Some(Fault::BeforeEffect) {
            return Err(away());
        }
        if !finished {
            self.world.state().templates.insert(version, false);
            let name = template_name(version);
            let password = SecretString::from("template");
            migrate
                .migrate(&MigrationTarget { version, database: name.clone(), user: name, password })
                .await?;
            self.world.state().templates.insert(version, true);
        }
        if fault == Some(Fault::AfterEffect) { Err(away()) } else { Ok(()) }
    }

    async fn ensure_role(
        &self,
        name: &Name,
        password: &SecretString,
        connection_limit: u16,
    ) -> Result<(), DatabaseError> {
        self.call("ensure_role", name, |state| {
            state.roles.insert(*name, (password.expose_secret().to_owned(), connection_limit));
            Ok(())
        })
    }

    async fn ensure_database(
        &self,
        name: &Name,
        owner: &Name,
        template: Version,
    ) -> Result<(), DatabaseError> {
        self.call("ensure_database", name, |state| {
            if state.templates.get(&template) != Some(&true) {
                return Err(DatabaseError::NoTemplate(template));
            }
            if !state.roles.contains_key(owner) {
                return Err(DatabaseError::NoRole(*owner));
            }
            state.databases.entry(*name).or_insert_with(|| Database {
                owner: *owner,
                version: template,
                understood: true,
                instance_owner: None,
                shared_schema: false,
                api_keys: BTreeMap::new(),
                counts: Counts::default(),
                credentials: Vec::new(),
                begun: BTreeSet::new(),
                bytes: 0,
            });
            Ok(())
        })
    }

    async fn seed_owner(&self, name: &Name, owner: &Owner) -> Result<OwnerId, DatabaseError> {
        self.call("seed_owner", name, |state| {
            let fresh = || (OwnerId(uuid::Uuid::now_v7()), owner.clone());
            Ok(state.database(name)?.instance_owner.get_or_insert_with(fresh).0)
        })
    }

    async fn owner_login(&self, name: &Name) -> Result<OwnerLogin, DatabaseError> {
        self.call("owner_login", name, |state| {
            let (_, owner) =
                state.database(name)?.instance_owner.clone().ok_or(DatabaseError::NoOwner(*name))?;
            Ok(OwnerLogin { email: owner.email, password_hash: owner.password_hash })
        })
    }

    async fn reset_owner(
        &self,
        name: &Name,
        password_hash: &str,
        _disable_mfa: bool,
    ) -> Result<String, DatabaseError> {
        self.call("reset_owner", name, |state| {
            let owner = state.database(name)?.instance_owner.as_mut().ok_or(DatabaseError::NoOwner(*name))?;
            owner.1.password_hash = password_hash.to_owned();
            Ok(owner.1.email.clone())
        })
    }

    async fn seed_api_key(&self, name: &Name, key: &ApiKeyRow) -> Result<(), DatabaseError> {
        self.call("seed_api_key", name, |state| {
            let database = state.database(name)?;
            if database.instance_owner.is_none() {
                return Err(DatabaseError::NoOwner(*name));
            }
            database.api_keys.insert(key.label.clone(), key.token.expose_secret().to_owned());
            Ok(())
        })
    }

    async fn ensure_shared_schema(&self, name: &Name) -> Result<(), DatabaseError> {
        self.call("ensure_shared_schema", name, |state| {
            let database = state.database(name)?;
            database.family()?;
            database.shared_schema = true;
            Ok(())
        })
    }

    async fn schema(&self, name: &Name) -> Result<&'static Family, DatabaseError> {
        self.call("schema", name, |state| state.database(name)?.family())
    }

    async fn final_state(&self, name: &Name) -> Result<Counts, DatabaseError> {
        self.call("final_state", name, |state| {
            let database = state.database(name)?;
            database.family().map(|_| database.counts)
        })
    }

    async fn credentials(&self, name: &Name) -> Result<Vec<Credential>, DatabaseError> {
        self.call("credentials", name, |state| {
            let database = state.database(name)?;
            database.family().map(|_| database.credentials.clone())
        })
    }

    async fn unbegun(&self, name: &Name, executions: &[i64]) -> Result<Vec<i64>, DatabaseError> {
        self.call("unbegun", name, |state| {
            let database = state.database(name)?;
            database.family()?;
            Ok(executions.iter().copied().filter(|id| !database.begun.contains(id)).collect())
        })
    }

    async fn put_in_place(&self, name: &Name) -> Result<(), DatabaseError> {
        self.call("put_in_place", name, |state| {
            let Some(next) = state.beside.remove(&(*name, Beside::Next)) else {
                let mut done = [Beside::Former, Beside::Nothing].map(|which| (*name, which)).into_iter();
                let was_done = done.any(|place| state.beside.contains_key(&place));
                return if was_done { Ok(()) } else { Err(DatabaseError::NoDatabase(*name)) };
            };
            let (which, before) = match state.databases.insert(*name, next.clone()) {
                Some(before) => (Beside::Former, before),
                None => (Beside::Nothing, next),
            };
            state.beside.insert((*name, which), before);
            Ok(())
        })
    }

    async fn keep_former(&self, name: &Name) -> Result<(), DatabaseError> {
        self.call("keep_former", name, |state| {
            let live = state.databases.get(name).cloned().ok_or(DatabaseError::NoDatabase(*name))?;
            state.beside.remove(&(*name, Beside::Next));
            state.beside.entry((*name, Beside::Former)).or_insert(live);
            Ok(())
        })
    }

    async fn take_back(&self, name: &Name) -> Result<bool, DatabaseError> {
        self.call("take_back", name, |state| {
            let next = match state.beside.remove(&(*name, Beside::Former)) {
                Some(former) => state.databases.insert(*name, former),
                None if state.beside.remove(&(*name, Beside::Nothing)).is_some() => {
                    state.databases.remove(name)
                }
                None => return Ok(false),
            };
            next.and_then(|next| state.beside.insert((*name, Beside::Next), next));
            Ok(true)
        })
    }

    async fn remove_beside(&self, name: &Name) -> Result<(), DatabaseError> {
        self.call("remove_beside", name, |state| {
            state.beside.retain(|(of, _), _| of != name);
            Ok(())
        })
    }

    async fn remove_database(&self, name: &Name) -> Result<(), DatabaseError> {
        self.call("remove_database", name, |state| {
            state.beside.retain(|(of, _), _| of != name);
            state.databases.remove(name);
            Ok(())
        })
    }

    async fn remove_role(&self, name: &Name) -> Result<(), DatabaseError> {
        self.call("remove_role", name, |state| {
            if state.databases.values().any(|database| database.owner == *name) {
                return Err(DatabaseError::RoleInUse(*name));
            }
            state.roles.remove(name);
            Ok(())
        })
    }

    async fn connections(&self) -> Result<u32, DatabaseError> {
        self.call("connections", "", |state| Ok(state.connections.unwrap_or(u32::MAX)))
    }

    async fn sizes(&self) -> Result<Vec<(Name, u64)>, DatabaseError> {
        self.call("sizes", "", |state| {
            let sizes = state.databases.iter().map(|(name, database)| (*name, database.bytes));
            Ok(sizes.collect())
        })
    }

    async fn observe(&self) -> Result<Observed, DatabaseError> {
        self.call("observe", "", |state| {
            let databases =
                state.databases.keys().map(|name| ObservedDatabase { name: *name, finished: true });
            let templates = state.templates.iter();
            Ok(Observed {
                databases: databases.collect(),
                roles: state.roles.keys().copied().collect(),
                keepers: state.roles.keys().copied().collect(),
                templates: templates
                    .map(|(version, finished)| ObservedTemplate { version: *version, finished: *finished })
                    .collect(),
            })
        })
    }
}
