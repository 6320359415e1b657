//! `rp9 operations …`

pub(super) mod list;
pub(super) mod show;
mod steer;
mod watch;

use clap::Subcommand;

use crate::{exit::Exit, failure::Failure, follow::End, setting::Setting};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, the newest first
    List(list::List),
    /// Show one with every step
    Show(show::Show),
    /// Follow one to its end
    Watch(watch::Watch),
    /// Turn one back: what it did is undone
    Cancel(steer::Cancel),
    /// Let one that is stuck go on, its attempts counted anew
    Resume(steer::Decide),
    /// Give up one that is stuck: what it did stays as it is
    Abandon(steer::Decide),
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Show(show) => show.run(setting).await,
            Self::Watch(watch) => watch.run(setting).await,
            Self::Cancel(cancel) => cancel.run(setting).await,
            Self::Resume(decide) => decide.run(setting, "resume", End::Succeeded).await,
            Self::Abandon(decide) => decide.run(setting, "abandon", End::Abandoned).await,
        }
    }
}
