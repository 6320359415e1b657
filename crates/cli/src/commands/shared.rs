//! `rp9 shared …`

mod create;

use clap::{Args, Subcommand};
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::{Sending, Waiting},
    commands::{
        accepted::{carry_out, send},
        listing::Whole,
        reason::OptionalReason,
    },
    exit::Exit,
    failure::Failure,
    follow::End,
    output::{Column, made, moment, plain, text},
    setting::Setting,
};

pub(in crate::commands) const COLUMNS: &[Column] = &[
    text("NAME", "/name"),
    text("STATE", "/state"),
    made("TENANTS", |instance| {
        format!("{} of {}", plain(instance.get("tenants")), plain(instance.get("capacity")))
    }),
    text("WORKERS", "/workers"),
    text("N8N", "/n8n_version"),
    text("CLUSTER", "/cluster"),
    text("ID", "/id"),
    text("MEMORY MB", "/memory_mb").wide(),
    text("ADDRESS", "/address").wide(),
    moment("CREATED", "/created_at").wide(),
    text("FAILURE", "/failure").wide(),
];

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, and how full each is
    List,
    /// Make one
    Create(create::Create),
    /// Place no more tenants in one; those who live in it stay
    Drain(Steer),
    /// Place tenants in it again
    Reopen(Steer),
    /// Make one anew whose database is lost; whoever lives in it comes back from backups of their own
    Rebuild(Rebuild),
    /// Remove one that nobody lives in
    Delete(Delete),
}

#[derive(Debug, Args)]
pub struct Steer {
    /// Its id or name
    instance: String,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Debug, Args)]
pub struct Rebuild {
    /// Its id or name
    instance: String,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
pub struct Delete {
    /// Its id or name
    instance: String,
    #[command(flatten)]
    waiting: Waiting,
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List => list(setting).await,
            Self::Create(create) => create.run(setting).await,
            Self::Drain(steer) => steer.run(setting, "drain", "gets no more tenants").await,
            Self::Reopen(steer) => steer.run(setting, "reopen", "gets tenants again").await,
            Self::Rebuild(rebuild) => rebuild.run(setting).await,
            Self::Delete(delete) => delete.run(setting).await,
        }
    }
}

async fn list(setting: &Setting) -> Result<Exit, Failure> {
    let list = Whole { at: "/data", columns: COLUMNS, id: "/id", things: "shared instances" };
    list.show(setting, &Request::get("/shared-instances")).await?;
    Ok(Exit::Done)
}

impl Rebuild {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let path = path(&["shared-instances", &self.instance, "rebuild"]);
        let request = Request::change(Method::POST, path, key).json(&self.reason)?;
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}

impl Steer {
    async fn run(&self, setting: &Setting, verb: &str, done: &str) -> Result<Exit, Failure> {
        let key = self.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["shared-instances", &self.instance, verb]), key);
        let answer = send(setting, &setting.api()?, &request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
        } else {
            setting.output.line(&format!("{} {}", self.instance, done))?;
        }
        Ok(Exit::Done)
    }
}

impl Delete {
    async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::DELETE, path(&["shared-instances", &self.instance]), key);
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
