//! `rp9 sandboxes …`

use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::{Length, Waiting},
    commands::{accepted::carry_out, listing::Listing},
    exit::Exit,
    failure::Failure,
    follow::End,
    output::{Column, id, moment, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("NAME", "/name"),
    status("STATUS", "/status"),
    id("ADDRESS", "/sandbox_url"),
    moment("UNTIL", "/expires_at"),
    text("FAILURE", "/failure"),
    text("BACKUP", "/backup_id").wide(),
    text("TENANT", "/tenant_id").wide(),
    moment("ASKED FOR", "/created_at").wide(),
    text("N8N", "/n8n_version").wide(),
    text("OPERATION", "/operation_id").wide(),
];

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, the newest first
    List(List),
    /// Remove one before its time; the tenant and the backup stay
    Delete(Delete),
}

#[derive(Debug, Args)]
pub struct List {
    /// Those of one tenant: its id or subdomain
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    length: Length,
}

#[derive(Debug, Args)]
pub struct Delete {
    /// Its name, the first label of its address
    name: String,
    #[command(flatten)]
    waiting: Waiting,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Delete(delete) => delete.run(setting).await,
        }
    }
}

impl List {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let filters = vec![("tenant", self.tenant.clone())];
        let listing =
            Listing { path: "/sandboxes", filters, columns: COLUMNS, id: "/name", things: "sandboxes" };
        listing.show(setting, self.length.limit()).await
    }
}

impl Delete {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::DELETE, path(&["sandboxes", &self.name]), key);
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
