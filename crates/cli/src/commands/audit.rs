//! `rp9 audit`

mod verify;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    moment("AT", "/at"),
    made("ACTOR", actor),
    text("ACTION", "/action"),
    text("OUTCOME", "/outcome"),
    text("REASON", "/reason"),
    text("ROLE", "/role").wide(),
    id("TENANT", "/tenant_id").wide(),
    id("OPERATION", "/operation_id").wide(),
];

/// A key is known by its name; its id tells it from others of that name.
fn actor(entry: &Value) -> String {
    match entry.get("actor_name").filter(|name| !name.is_null()) {
        Some(name) => format!("{} ({})", plain(Some(name)), plain(entry.get("actor"))),
        None => plain(entry.get("actor")),
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    entries: Entries,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Whether the log was tampered with, as the platform's daily look found; ends with 8 unless it is whole
    Verify(verify::Verify),
}

#[derive(Debug, Args)]
struct Entries {
    /// One tenant's id or subdomain
    #[arg(long)]
    tenant: Option<String>,
    /// Who asked: a token's subject
    #[arg(long)]
    actor: Option<String>,
    /// What was asked for, such as `tenant.create`
    #[arg(long)]
    action: Option<String>,
    /// `accepted`, `already`, `shown`, `refused`, or a problem's code
    #[arg(long)]
    outcome: Option<String>,
    /// Not before this moment, such as 2026-08-01T00:00:00Z
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    #[command(flatten)]
    length: Length,
}

impl Audit {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match &self.verb {
            Some(Verb::Verify(verify)) => verify.run(setting).await,
            None => self.entries.run(setting).await,
        }
    }
}

impl Entries {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let filters = [
            ("tenant", &self.tenant),
            ("actor", &self.actor),
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("since", &self.since),
        ];
        let filters = filters.map(|(name, value)| (name, value.clone())).into();
        let listing = Listing { path: "/audit", filters, columns: COLUMNS, id: "/id", things: "entries" };
        listing.show(setting, self.length.limit()).await
    }
}
