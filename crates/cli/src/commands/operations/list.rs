//! `rp9 operations list`

use clap::Args;
use serde_json::Value;

use crate::{
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, lasted, made, moment, plain, status, text, yes},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("ID", "/id"),
    text("KIND", "/kind"),
    status("STATUS", "/status"),
    moment("CREATED", "/created_at"),
    made("TOOK", took).wide(),
    made("CANCELLED", |operation| yes(operation.get("cancelled"))).wide(),
    text("TENANT", "/tenant_id").wide(),
];

fn took(operation: &Value) -> String {
    let moment = |name| operation.get(name).and_then(Value::as_str);
    lasted(moment("started_at"), moment("finished_at")).unwrap_or_else(|| plain(None))
}

#[derive(Debug, Args)]
pub struct List {
    /// One status: `queued`, `running`, `undoing`, `stuck`, `succeeded`, `rolled_back`, `abandoned`
    #[arg(long)]
    status: Option<String>,
    /// One kind, such as `tenant.create`
    #[arg(long)]
    kind: Option<String>,
    /// One tenant's id or subdomain
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    length: Length,
}

impl List {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let filters = [("status", &self.status), ("kind", &self.kind), ("tenant", &self.tenant)];
        let filters = filters.map(|(name, value)| (name, value.clone())).into();
        let listing =
            Listing { path: "/operations", filters, columns: COLUMNS, id: "/id", things: "operations" };
        listing.show(setting, self.length.limit()).await
    }
}
