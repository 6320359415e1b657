//! `rp9 tenants events`

use clap::Args;
use serde_json::Value;

use crate::{
    api::path,
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    moment("AT", "/at"),
    text("EVENT", "/kind"),
    made("WHAT", |event| what(&event["data"])),
    id("OPERATION", "/operation_id").wide(),
];
/// Of an event's data, what its kind does not say already and somebody reads; in this order.
const TOLD: &[&str] = &["outcome", "step", "status", "reason", "reasons", "instance", "exit_code", "failure"];

#[derive(Debug, Args)]
pub struct Events {
    /// Its id or subdomain
    tenant: String,
    /// How far back, at most 168; 24 when absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=168))]
    hours: Option<u32>,
    #[command(flatten)]
    length: Length,
}

impl Events {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let path = path(&["tenants", &self.tenant, "events"]);
        let filters = vec![("hours", self.hours.map(|hours| hours.to_string()))];
        let listing = Listing { path: &path, filters, columns: COLUMNS, id: "/id", things: "events" };
        listing.show(setting, self.length.limit()).await
    }
}

fn what(data: &Value) -> String {
    let mut said: Vec<_> =
        TOLD.iter().filter_map(|name| data.get(name)).map(|value| plain(Some(value))).collect();
    said.extend(data.pointer("/error/detail").map(|detail| plain(Some(detail))));
    if said.is_empty() { plain(None) } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_told_in_a_line() {
        let failed = json!({ "operation_kind": "tenant.heal", "step": "containers", "error": { "detail": "Docker is away." } });
        assert_eq!(what(&failed), "containers; Docker is away.");
        assert_eq!(what(&json!({})), "-");
    }
}
