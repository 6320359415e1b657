//! The server that is copied from, and the programs that copy.

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret as _, SecretString};

use super::process::Programs;
use crate::databases::{AdminUrlError, DatabaseError, Keeper, Name, PostgresDatabases};

/// The real ones. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct PostgresCopies {
    pub(super) databases: PostgresDatabases,
    programs: Arc<ArcSwap<Programs>>,
    folder: Option<PathBuf>,
}

impl PostgresCopies {
    /// Of the databases on this server. `folder`: where PostgreSQL's programs are, if not in the PATH.
    pub fn new(admin_url: &SecretString, folder: Option<PathBuf>) -> Result<Self, AdminUrlError> {
        let databases = PostgresDatabases::new(admin_url.expose_secret())?;
        let programs = programs(admin_url, folder.clone())?;
        Ok(Self { databases, programs: Arc::new(ArcSwap::from_pointee(programs)), folder })
    }

    /// Goes on with another login to the same server.
    pub fn put_url(&self, admin_url: &SecretString) -> Result<(), AdminUrlError> {
        self.databases.put_url(admin_url.expose_secret())?;
        self.programs.store(Arc::new(programs(admin_url, self.folder.clone())?));
        Ok(())
    }

    /// For what works on no tenant's database.
    pub(super) fn programs(&self) -> Arc<Programs> {
        self.programs.load_full()
    }

    /// For what works on this tenant's, who may have put code into it: as whom the connections enter that prove the way in before.
    pub(super) fn programs_for(&self, name: &Name) -> Result<Programs, DatabaseError> {
        let Keeper { role, password } = self.databases.keeper(name)?;
        Ok(self.programs().entering_as(role, password))
    }
}

fn programs(admin_url: &SecretString, folder: Option<PathBuf>) -> Result<Programs, AdminUrlError> {
    let unusable = || AdminUrlError(sqlx::Error::Configuration("it names no host".into()));
    Programs::new(admin_url, folder).ok_or_else(unusable)
}
