//! `rp9 man`

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::generate_to;

use super::Cli;
use crate::{exit::Exit, failure::Failure, setting::Setting};

#[derive(Debug, Args)]
pub struct Man {
    /// Write a page for each command into this folder, such as ~/.local/share/man/man1; without it the first page is printed
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Does it.
    pub fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        if let Some(folder) = &self.dir {
            let cannot = || Failure::local(folder.display().to_string());
            std::fs::create_dir_all(folder).map_err(cannot())?;
            generate_to(Cli::command(), folder).map_err(cannot())?;
            return Ok(Exit::Done);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(Failure::local("the manual"))?;
        setting.output.line(String::from_utf8_lossy(&page).trim_end())?;
        Ok(Exit::Done)
    }
}
