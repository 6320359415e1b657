//! `rp9 upgrades …`

mod start;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use crate::{
    api::{Request, path},
    args::{Length, Sending},
    commands::{accepted::send, listing::Listing, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    output::{Column, Sheet, id, made, moment, plain, status, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("ID", "/id"),
    status("STATUS", "/status"),
    text("N8N", "/n8n_version"),
    made("DONE", |rollout| done(&rollout["tenants"])),
    made("FAILED", |rollout| plain(rollout.pointer("/tenants/failed"))),
    moment("BEGUN", "/created_at"),
    moment("ENDED", "/ended_at"),
    text("BY", "/asked_by").wide(),
    text("REASON", "/reason").wide(),
];

pub(in crate::commands) const TENANTS: &[Column] = &[
    text("TENANT", "/subdomain"),
    status("STATUS", "/status"),
    text("WAVE", "/wave"),
    text("OPERATION", "/operation_id"),
    text("BECAUSE", "/detail"),
];

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, the newest first
    List(List),
    /// Begin one: the first wave is one tenant, each has twice as many as the one before
    Start(start::Start),
    /// How far one is, and who has to be looked at
    Show(Show),
    /// Let nobody begin any more; who is under way goes on
    Cancel(Cancel),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    length: Length,
}

#[derive(Debug, Args)]
pub struct Show {
    /// Its id
    rollout: String,
}

#[derive(Debug, Args)]
pub struct Cancel {
    /// Its id
    rollout: String,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    sending: Sending,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Start(start) => start.run(setting).await,
            Self::Show(show) => show.run(setting).await,
            Self::Cancel(cancel) => cancel.run(setting).await,
        }
    }
}

impl List {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let listing = Listing {
            path: "/upgrades",
            filters: Vec::new(),
            columns: COLUMNS,
            id: "/id",
            things: "rollouts",
        };
        listing.show(setting, self.length.limit()).await
    }
}

impl Show {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let answer = setting.api()?.send(&Request::get(path(&["upgrades", &self.rollout]))).await?;
        let output = &setting.output;
        let Some(data) = output.data(&answer.body, "/status")? else { return Ok(Exit::Done) };
        output.sheet(sheet(&data))?;
        let document: Value = serde_json::from_slice(&answer.body)?;
        output.entries(TENANTS, &document["to_look_at"])?;
        Ok(Exit::Done)
    }
}

fn sheet(data: &Value) -> Sheet {
    let tenants = &data["tenants"];
    let count = |name: &str| plain(tenants.get(name));
    Sheet::new()
        .of("id", data.get("id"))
        .of("n8n", data.get("n8n_version"))
        .state("status", data.get("status"))
        .line("done", done(tenants))
        .line("failed", format!("{} of {} that may", count("failed"), plain(data.get("max_failures"))))
        .line("passed over", count("skipped"))
        .line("under way", format!("{}, at most {}", count("running"), plain(data.get("concurrency"))))
        .line("waves", plain(data.get("waves")))
        .of("selection", Some(&Value::String(data["selection"].to_string())))
        .moment("begun", data.get("created_at"))
        .moment("ended", data.get("ended_at"))
        .of("by", data.get("asked_by"))
        .of("because", data.get("reason"))
}

/// How many of those who are meant run it.
fn done(tenants: &Value) -> String {
    let all: i64 = tenants.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_i64()).sum();
    format!("{} of {all}", plain(tenants.get("succeeded")))
}

impl Cancel {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let target = path(&["upgrades", &self.rollout, "cancel"]);
        let request =
            Request::change(Method::POST, target, self.sending.idempotency_key.clone()).json(&self.reason)?;
        let answer = send(setting, &setting.api()?, &request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
        } else {
            setting.output.line(&format!("{} is called off", self.rollout))?;
        }
        Ok(Exit::Done)
    }
}
