//! `rp9 operations cancel|resume|abandon`

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::{
        accepted::carry_out,
        reason::{OptionalReason, Reason},
    },
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Cancel {
    /// Its id
    operation: String,
    #[command(flatten)]
    reason: OptionalReason,
    #[command(flatten)]
    waiting: Waiting,
}

/// About one that is stuck, where somebody has to say why.
#[derive(Debug, Args)]
pub struct Decide {
    /// Its id
    operation: String,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    waiting: Waiting,
}

impl Cancel {
    /// Does it: it went well when everything is as before.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let request = steering(&self.operation, "cancel", &self.waiting).json(&self.reason)?;
        Ok(carry_out(setting, &request, &self.waiting, End::RolledBack).await?.exit)
    }
}

impl Decide {
    /// Does it.
    pub async fn run(&self, setting: &Setting, verb: &str, wanted: End) -> Result<Exit, Failure> {
        let request = steering(&self.operation, verb, &self.waiting).json(&self.reason)?;
        Ok(carry_out(setting, &request, &self.waiting, wanted).await?.exit)
    }
}

fn steering(operation: &str, verb: &str, waiting: &Waiting) -> Request {
    let key = waiting.sending.idempotency_key.clone();
    Request::change(Method::POST, path(&["operations", operation, verb]), key)
}
