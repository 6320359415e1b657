#![doc = include_str!("../README.md")]

mod asked;
mod choice;
mod config;
mod fault;
mod faults;
mod fleet;
mod ledger;
mod load;
mod programs;
mod proxy;
mod record;
mod report;
mod run;
mod verdict;
mod worker;
mod world;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return common::service::run("storm-worker", worker::start).await;
    }
    // Whoever is interrupted still ends what it started.
    let ran = tokio::select! {
        ran = run::run() => ran,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn interrupted() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
