//! The relay's process. `edge-relay accept` lets the one that runs follow what it has refused; `edge-relay gate` starts the
//! proxy itself, and holds its port until it is ready.

use std::process::ExitCode;

use common::service::process;

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match std::env::args().nth(1).as_deref() {
        Some("accept") => edge_relay::accept().await,
        Some("gate") => edge_relay::gate(std::env::args_os().skip(2)).await,
        _ => return process::run("edge-relay", edge_relay::start).await,
    };
    ended.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
