//! `rp9 keys …`

mod create;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use crate::{
    api::{Request, path},
    args::{Length, Sending},
    commands::{accepted::send, listing::Listing},
    exit::Exit,
    failure::Failure,
    output::{Column, made, moment, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("ID", "/id"),
    text("NAME", "/name"),
    text("ROLE", "/role"),
    text("STATE", "/state"),
    moment("LAST USED", "/last_used_at"),
    moment("EXPIRES", "/expires_at"),
    text("BY", "/created_by").wide(),
    made("TENANTS", |key| listed(key, "tenants")).wide(),
    made("SCOPES", |key| listed(key, "scopes")).wide(),
];

fn listed(key: &Value, name: &str) -> String {
    let words: Vec<_> = key[name].as_array().into_iter().flatten().map(|word| plain(Some(word))).collect();
    if words.is_empty() { plain(None) } else { words.join(" ") }
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, the newest first
    List(List),
    /// Make one; it is shown once
    Create(create::Create),
    /// End one at once, and all that were made with it
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct List {
    /// `active`, `expired` or `revoked`
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    length: Length,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// Its id
    key: String,
    #[command(flatten)]
    sending: Sending,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Create(create) => create.run(setting).await,
            Self::Revoke(revoke) => revoke.run(setting).await,
        }
    }
}

impl List {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let filters = vec![("state", self.state.clone())];
        let listing = Listing { path: "/keys", filters, columns: COLUMNS, id: "/id", things: "keys" };
        listing.show(setting, self.length.limit()).await
    }
}

impl Revoke {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let idempotency_key = self.sending.idempotency_key.clone();
        let request = Request::change(Method::DELETE, path(&["keys", &self.key]), idempotency_key);
        let answer = send(setting, &setting.api()?, &request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
        } else {
            setting.output.line(&format!("{} is revoked", self.key))?;
        }
        Ok(Exit::Done)
    }
}
