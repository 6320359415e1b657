//! The provisioner's process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    common::service::run("provisioner", provisioner::start).await
}
