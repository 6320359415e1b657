//! `rp9 tenants delete`

use std::io::{self, IsTerminal};

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::Waiting,
    commands::accepted::carry_out,
    exit::Exit,
    failure::Failure,
    follow::End,
    output::Notes,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Delete {
    /// Its id or subdomain
    tenant: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
}

impl Delete {
    /// Does it, once somebody has said so twice.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        if !self.yes && !self.confirmed(&setting.output.notes)? {
            return Err(Failure::Usage("Nothing was removed.".to_owned()));
        }
        let key = self.waiting.sending.idempotency_key.clone();
        let request = Request::change(Method::DELETE, path(&["tenants", &self.tenant]), key);
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }

    fn confirmed(&self, notes: &Notes) -> Result<bool, Failure> {
        if !io::stdin().is_terminal() {
            return Err(Failure::Usage(
                "Removing a tenant removes its data. Where nobody can be asked, say --yes.".to_owned(),
            ));
        }
        notes.warn(&format!(
            "this removes {} and all its data; there is no way back. Type its name again:",
            self.tenant
        ));
        let mut typed = String::new();
        io::stdin().read_line(&mut typed).map_err(Failure::local("standard input"))?;
        Ok(typed.trim() == self.tenant)
    }
}
