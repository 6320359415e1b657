//! The backup that a path names, if the caller may know of it.

use axum::extract::{FromRequestParts, Path};
use common::id::BackupId;
use http::request::Parts;

use super::{Access, Caller, Identity, Read, Scope, Target};
use crate::{
    app::App,
    problem::{Code, Problem},
    store::backups::{self, Backup},
};

/// The backup that somebody asks about, of one of their tenants. One of a foreign tenant is answered exactly as one that does not exist.
#[derive(Debug)]
pub struct BackupOf<A = Read> {
    caller: Caller<A>,
    pub backup: Backup,
}

impl<A> BackupOf<A> {
    /// Who asks.
    pub fn identity(&self) -> &Identity {
        self.caller.identity()
    }
}

impl<A: Access> FromRequestParts<App> for BackupOf<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller: Caller<A> = Caller::from_request_parts(parts, app).await?;
        let backup = Backup::find(app, caller.scope(), parts).await?;
        Ok(Self { caller, backup })
    }
}

impl Target for Backup {
    async fn find(app: &App, scope: &Scope, parts: &mut Parts) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, app).await.map_err(|_| absent_backup())?;
        let id: BackupId = name.parse().map_err(|_| absent_backup())?;
        let backup = backups::find(&app.reader(scope), id).await?.ok_or_else(absent_backup)?;
        app.rates.admit_on(parts, backup.tenant_id).await?;
        Ok(backup)
    }
}

/// What is said of a backup that is not there, and of one the caller may not know of.
pub fn absent_backup() -> Problem {
    Problem::new(Code::NotFound).detail("There is no such backup.")
}
