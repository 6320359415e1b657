//! `rp9 held`

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::{
    api::{PageLimit, Request, path},
    args::Length,
    commands::{accepted::send, listing::Listing, reason::OptionalReason},
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
    /// Deliver this one again, which came to nothing (`dead`), by its receipt
    #[arg(long, value_name = "RECEIPT", conflicts_with_all = ["state", "replay_dead"])]
    replay: Vec<String>,
    /// Deliver all of them again that came to nothing
    #[arg(long, conflicts_with = "state")]
    replay_dead: bool,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    length: Length,
}

impl Held {
    /// Lists them, or has some delivered again.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let path = path(&["tenants", &self.tenant, "held"]);
        if self.replay_dead {
            let dead = [("state", Some("dead".to_owned()))];
            let page = setting.api()?.list(&path, &dead, PageLimit::All).await?;
            let receipts = page.data.iter().map(|call| serde_json::from_str::<Value>(call.get()));
            let receipts: Result<Vec<_>, _> =
                receipts.map(|call| call.map(|call| plain(call.get("receipt")))).collect();
            return self.deliver(setting, &receipts?).await;
        }
        if !self.replay.is_empty() {
            return self.deliver(setting, &self.replay).await;
        }
        let filters = vec![("state", self.state.clone())];
        let listing =
            Listing { path: &path, filters, columns: COLUMNS, id: "/receipt", things: "held calls" };
        listing.show(setting, self.length.limit()).await
    }

    async fn deliver(&self, setting: &Setting, receipts: &[String]) -> Result<Exit, Failure> {
        let api = setting.api()?;
        for receipt in receipts {
            let request = Request::change(Method::POST, crate::api::path(&["held", receipt, "replay"]), None);
            send(setting, &api, &request.json(&self.reason)?).await?;
            setting.output.line(&format!("{receipt} is delivered again"))?;
        }
        if receipts.is_empty() {
            setting.output.notes.note("No call came to nothing.");
        }
        Ok(Exit::Done)
    }
}
