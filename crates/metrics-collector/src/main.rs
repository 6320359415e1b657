//! The collector's process.

use std::process::ExitCode;

use common::service;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("metrics-collector", metrics_collector::start).await
}
