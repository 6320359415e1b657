#![doc = include_str!("../README.md")]

mod attacks;
mod config;
mod others;
mod report;
mod run;

use std::process::ExitCode;

use common::config::Env;

#[tokio::main]
async fn main() -> ExitCode {
    let run = async { run::run(Env::of_process().load()?).await };
    match run.await {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
