//! The relay's process. `edge-relay accept` lets the one that runs follow what it has refused.

use std::process::ExitCode;

use common::service::process;

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("accept") {
        return edge_relay::accept();
    }
    process::run("edge-relay", edge_relay::start).await
}
