//! `rp9 completions`

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;
use crate::{exit::Exit, failure::Failure, setting::Setting};

#[derive(Debug, Args)]
pub struct Completions {
    /// Whose
    shell: Shell,
}

impl Completions {
    /// Does it.
    pub fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "rp9", &mut script);
        setting.output.line(String::from_utf8_lossy(&script).trim_end())?;
        Ok(Exit::Done)
    }
}
