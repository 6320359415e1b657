//! The server that is copied from, and the programs that copy.

use std::{path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use secrecy::{ExposeSecret as _, SecretString};

use super::process::Programs;
use crate::databases::{AdminUrlError, PostgresDatabases};

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

    pub(super) fn programs(&self) -> Arc<Programs> {
        self.programs.load_full()
    }
}

fn programs(admin_url: &SecretString, folder: Option<PathBuf>) -> Result<Programs, AdminUrlError> {
    let unusable = || AdminUrlError(sqlx::Error::Configuration("it names no host".into()));
    Programs::new(admin_url, folder).ok_or_else(unusable)
}
