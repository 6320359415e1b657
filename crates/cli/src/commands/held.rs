//! `rp9 held`

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path},
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
    /// Deliver all of them again that came to nothing, as far as there is room among what is held
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
        if self.replay_dead {
            self.ask(setting, path(&["tenants", &self.tenant, "held", "replay"])).await?;
            setting.output.line(&format!("{}: what came to nothing is delivered again", self.tenant))?;
            return Ok(Exit::Done);
        }
        for receipt in &self.replay {
            self.ask(setting, path(&["held", receipt, "replay"])).await?;
            setting.output.line(&format!("{receipt} is delivered again"))?;
        }
        if !self.replay.is_empty() {
            return Ok(Exit::Done);
        }
        let (path, filters) = (path(&["tenants", &self.tenant, "held"]), vec![("state", self.state.clone())]);
        let listing =
            Listing { path: &path, filters, columns: COLUMNS, id: "/receipt", things: "held calls" };
        listing.show(setting, self.length.limit()).await
    }

    async fn ask(&self, setting: &Setting, target: String) -> Result<(), Failure> {
        let request = Request::change(Method::POST, target, None).json(&self.reason)?;
        send(setting, &setting.api()?, &request).await.map(drop)
    }
}
