//! `rp9 held`

use clap::Args;

use crate::{
    api::path,
    args::Length,
    commands::listing::Listing,
    exit::Exit,
    failure::Failure,
    output::{Column, id, made, moment, plain, status, text},
    setting::Setting,
};

const COLUMNS: &[Column] = &[
    id("RECEIPT", "/receipt"),
    status("STATE", "/state"),
    moment("HELD", "/held_at"),
    moment("ENDED", "/ended_at"),
    text("METHOD", "/method"),
    made("ANSWER", |call| plain(call.get("answer_status"))),
    made("SENT", |call| plain(call.get("deliveries"))),
    text("BECAUSE", "/failure"),
];

#[derive(Debug, Args)]
pub struct Held {
    /// The tenant's id or subdomain
    tenant: String,
    /// One state: `held`, `delivering`, `delivered`, `dead`
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    length: Length,
}

impl Held {
    /// Lists them.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let path = path(&["tenants", &self.tenant, "held"]);
        let filters = vec![("state", self.state.clone())];
        let listing =
            Listing { path: &path, filters, columns: COLUMNS, id: "/receipt", things: "held calls" };
        listing.show(setting, self.length.limit()).await
    }
}
