//! `rp9 backups hold|release`: one path each, and the same everything else.

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::Sending,
    commands::{accepted::send, reason::OptionalReason},
    exit::Exit,
    failure::Failure,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Hold {
    /// Its id
    backup: String,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    sending: Sending,
}

impl Hold {
    /// Does it.
    pub async fn run(&self, setting: &Setting, verb: &str, done: &str) -> Result<Exit, Failure> {
        let key = self.sending.idempotency_key.clone();
        let request = Request::change(Method::POST, path(&["backups", &self.backup, verb]), key);
        let answer = send(setting, &setting.api()?, &request.json(&self.reason)?).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
        } else {
            setting.output.line(&format!("{} {done}", self.backup))?;
        }
        Ok(Exit::Done)
    }
}
