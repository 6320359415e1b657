//! `rp9 operations watch`

use clap::Args;

use crate::{
    api::{Request, path},
    exit::Exit,
    failure::Failure,
    follow::{End, follow},
    setting::Setting,
};

#[derive(Debug, Args)]
pub struct Watch {
    /// Its id
    operation: String,
}

impl Watch {
    /// Follows it; with `--json` the whole operation is shown once it has ended.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let api = setting.api()?;
        let exit = follow(&api, &setting.output.notes, &self.operation, End::Succeeded).await?;
        if setting.output.json && exit != Exit::Interrupted {
            let answer = api.send(&Request::get(path(&["operations", &self.operation]))).await?;
            setting.output.document(&answer.body)?;
        }
        Ok(exit)
    }
}
