//! `rp9 dead-letters …`

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use crate::{
    api::{Request, path},
    args::{Length, Sending},
    commands::{accepted::send, listing::Listing},
    exit::Exit,
    failure::Failure,
    output::{Column, Sheet, id, moment, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    id("ID", "/id"),
    moment("AT", "/at"),
    text("SERVICE", "/service"),
    text("REASON", "/reason"),
    text("STATE", "/state"),
    text("DETAIL", "/detail"),
    text("ATTEMPTS", "/attempts").wide(),
    text("TENANT", "/tenant_id").wide(),
];

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, the newest first
    List(List),
    /// Show one with its headers and bytes
    Show(One),
    /// Send one again, as it is
    Replay(Decide),
    /// Give one up
    Delete(Decide),
}

#[derive(Debug, Args)]
pub struct List {
    /// Who could not handle it
    #[arg(long)]
    service: Option<String>,
    /// `malformed`, `unknown`, `expired`, `exhausted` or `refused`
    #[arg(long)]
    reason: Option<String>,
    /// `waiting`, `replaying` or `replayed`
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    length: Length,
}

#[derive(Debug, Args)]
pub struct One {
    /// Its id
    dead_letter: String,
}

#[derive(Debug, Args)]
pub struct Decide {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    sending: Sending,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Show(one) => one.show(setting).await,
            Self::Replay(decide) => {
                let target = path(&["dead-letters", &decide.one.dead_letter, "replay"]);
                decide.run(setting, Method::POST, target).await
            }
            Self::Delete(decide) => {
                let target = path(&["dead-letters", &decide.one.dead_letter]);
                decide.run(setting, Method::DELETE, target).await
            }
        }
    }
}

impl List {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let filters = [("service", &self.service), ("reason", &self.reason), ("state", &self.state)];
        let filters = filters.map(|(name, value)| (name, value.clone())).into();
        let listing =
            Listing { path: "/dead-letters", filters, columns: COLUMNS, id: "/id", things: "dead letters" };
        listing.show(setting, self.length.limit()).await
    }
}

impl One {
    async fn show(&self, setting: &Setting) -> Result<Exit, Failure> {
        let answer = setting.api()?.send(&Request::get(path(&["dead-letters", &self.dead_letter]))).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        let letter = |name: &str| document["data"].get(name);
        let sheet = Sheet::new()
            .of("id", letter("id"))
            .of("state", letter("state"))
            .of("service", letter("service"))
            .of("subject", letter("subject"))
            .of("reason", letter("reason"))
            .of("detail", letter("detail"))
            .of("attempts", letter("attempts"))
            .of("tenant", letter("tenant_id"))
            .of("operation", letter("operation_id"))
            .moment("published", letter("published_at"))
            .moment("given up", letter("at"))
            .moment("sent again", letter("replayed_at"))
            .of("headers", letter("headers"))
            .of("bytes (base64)", letter("payload_base64"));
        setting.output.sheet(sheet)?;
        Ok(Exit::Done)
    }
}

impl Decide {
    async fn run(&self, setting: &Setting, method: Method, target: String) -> Result<Exit, Failure> {
        let request = Request::change(method, target, self.sending.idempotency_key.clone());
        let answer = send(setting, &setting.api()?, &request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
            return Ok(Exit::Done);
        }
        let document: Value = serde_json::from_slice(&answer.body)?;
        setting.output.line(&format!("{}: {}", self.one.dead_letter, plain(document.get("state"))))?;
        Ok(Exit::Done)
    }
}
