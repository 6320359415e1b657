//! `rp9 backups …`

mod create;
mod drill;
mod drills;
mod extract;
mod hold;
mod remove;
mod restore;
mod show;

use clap::{Args, Subcommand};

use crate::{
    api::path,
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, bytes, id, made, moment, status, text, yes},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("ID", "/id"),
    text("TYPE", "/type"),
    status("STATUS", "/status"),
    moment("OF", "/taken_at"),
    made("SIZE", |backup| bytes(backup.get("bytes"))),
    moment("KEPT UNTIL", "/kept_until"),
    made("HELD", |backup| yes(backup.get("legal_hold"))),
    text("FAILURE", "/failure"),
    moment("ASKED FOR", "/created_at").wide(),
    text("OPERATION", "/operation_id").wide(),
];

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List a tenant's, the newest first
    List(List),
    /// Show one with its objects and their checksums
    Show(show::Show),
    /// Back a tenant up now
    Create(create::Create),
    /// Restore one: into a sandbox beside the tenant, or in place of what it has
    Restore(restore::Restore),
    /// Show which workflows and credentials one has, or take one out of it
    Extract(extract::Extract),
    /// Try one out that is drawn at random: restored beside the tenant, opened, run, and removed again
    Drill(drill::Drill),
    /// List a tenant's restore drills, the newest first
    Drills(drills::Drills),
    /// Remove one; the last one that a tenant could be restored from stays
    Remove(remove::Remove),
    /// Keep one until it is released, however old it gets: a legal hold
    Hold(hold::Hold),
    /// Let one go that is held
    Release(hold::Hold),
}

#[derive(Debug, Args)]
pub struct List {
    /// Its id or subdomain
    tenant: String,
    /// One status: `queued`, `running`, `written`, `verified`, `proven`, `failed`, `removing`, `removed`
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    length: Length,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Show(show) => show.run(setting).await,
            Self::Create(create) => create.run(setting).await,
            Self::Restore(restore) => restore.run(setting).await,
            Self::Extract(extract) => extract.run(setting).await,
            Self::Drill(drill) => drill.run(setting).await,
            Self::Drills(drills) => drills.run(setting).await,
            Self::Remove(remove) => remove.run(setting).await,
            Self::Hold(hold) => hold.run(setting, "hold", "is held").await,
            Self::Release(hold) => hold.run(setting, "release", "is not held any more").await,
        }
    }
}

impl List {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let path = path(&["tenants", &self.tenant, "backups"]);
        let filters = vec![("status", self.status.clone())];
        let listing = Listing { path: &path, filters, columns: COLUMNS, id: "/id", things: "backups" };
        listing.show(setting, self.length.limit()).await
    }
}
