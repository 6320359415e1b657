//! `rp9 tenants delete`

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path, with_query},
    args::Waiting,
    commands::{accepted::carry_out, confirm::confirmed},
    exit::Exit,
    failure::Failure,
    follow::End,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Delete {
    /// Its id or subdomain
    tenant: String,
    /// Make no last backup of it
    #[arg(long)]
    without_backup: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
}

impl Delete {
    /// Does it, once somebody has said so twice.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        if !self.yes && !confirmed(&setting.output.notes, &self.tenant, "a tenant", "its data")? {
            return Err(Failure::Usage("Nothing was removed.".to_owned()));
        }
        let key = self.waiting.sending.idempotency_key.clone();
        let final_backup = self.without_backup.then(|| "false".to_owned());
        let path = with_query(&path(&["tenants", &self.tenant]), &[("final_backup", final_backup)]);
        let request = Request::change(Method::DELETE, path, key);
        Ok(carry_out(setting, &request, &self.waiting, End::Succeeded).await?.exit)
    }
}
