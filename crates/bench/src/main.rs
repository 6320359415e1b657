#![doc = include_str!("../README.md")]

mod cells;
mod collector;
mod config;
mod figures;
mod load;
mod loads;
mod machine;
mod names;
mod no_effects;
mod pgbench;
mod record;
mod report;
mod run;
mod services;
mod worker;
mod world;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => return common::service::run("bench-worker", worker::start).await,
        Some("collector") => return common::service::run("bench-collector", collector::start).await,
        _ => {}
    }
    match run::run().await {
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
