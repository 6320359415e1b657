//! `rp9 backups remove`

use clap::Args;
use reqwest::Method;

use crate::{
    api::{Request, path},
    args::Sending,
    commands::{accepted::send, confirm::confirmed},
    exit::Exit,
    failure::Failure,
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Remove {
    /// Its id
    backup: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Remove {
    /// Does it, once somebody has said so twice.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        if !self.yes && !confirmed(&setting.output.notes, &self.backup, "a backup", "its objects")? {
            return Err(Failure::Usage("Nothing was removed.".to_owned()));
        }
        let key = self.sending.idempotency_key.clone();
        let request = Request::change(Method::DELETE, path(&["backups", &self.backup]), key);
        let answer = send(setting, &setting.api()?, &request).await?;
        if setting.output.json {
            setting.output.document(&answer.body)?;
        } else {
            setting.output.line(&format!("{} is being removed", self.backup))?;
        }
        Ok(Exit::Done)
    }
}
