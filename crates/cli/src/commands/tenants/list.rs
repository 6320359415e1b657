//! `rp9 tenants list`

use clap::Args;

use crate::{
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, moment, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("SUBDOMAIN", "/subdomain"),
    status("STATUS", "/status"),
    text("PLAN", "/plan"),
    id("ID", "/id"),
    moment("CREATED", "/created_at").wide(),
    text("CLUSTER", "/cluster").wide(),
    text("MODE", "/mode").wide(),
];

#[derive(Debug, Args)]
pub struct List {
    /// Part of a name, an e-mail address or a subdomain
    #[arg(short = 's', long = "q", visible_alias = "search", value_name = "TEXT")]
    q: Option<String>,
    /// One status; without it every tenant that is not deleted
    #[arg(long)]
    status: Option<String>,
    /// One plan
    #[arg(long)]
    plan: Option<String>,
    /// `shared` or `dedicated`
    #[arg(long)]
    mode: Option<String>,
    /// One cluster
    #[arg(long)]
    cluster: Option<String>,
    #[command(flatten)]
    length: Length,
}

impl List {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let filters = [
            ("q", &self.q),
            ("status", &self.status),
            ("plan", &self.plan),
            ("mode", &self.mode),
            ("cluster", &self.cluster),
        ];
        let filters = filters.map(|(name, value)| (name, value.clone())).into();
        let listing = Listing { path: "/tenants", filters, columns: COLUMNS, id: "/id", things: "tenants" };
        listing.show(setting, self.length.limit()).await
    }
}
