#![doc = include_str!("../README.md")]

mod api;
mod args;
mod commands;
mod environment;
mod exit;
mod failure;
mod follow;
mod output;
mod profile;
mod setting;

use std::process::ExitCode;

use clap::Parser;

use crate::{commands::Cli, environment::Environment, exit::Exit, failure::Failure, setting::Setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { options, command } = Cli::parse();
    let setting = Setting::new(options, Environment::of_process());
    let ended = command.run(&setting).await;
    ended.unwrap_or_else(|failure| tell(&setting, &failure)).into()
}

/// Why it came to nothing; to a script that wants JSON, the problem document too.
fn tell(setting: &Setting, failure: &Failure) -> Exit {
    if failure.is_broken_pipe() {
        return Exit::Done;
    }
    if let (true, Some(document)) = (setting.output.json, failure.document()) {
        drop(setting.output.document(document));
    }
    setting.output.notes.error(&failure.lines());
    failure.exit()
}
