//! The gateway's process.

use std::process::ExitCode;

use common::service;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("gateway", gateway::start).await
}
