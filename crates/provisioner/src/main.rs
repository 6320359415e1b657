//! The provisioner's process. `provisioner rotate-master-key` wraps tenants' secrets with the current master key, beside those that run.

use std::process::ExitCode;

use common::{secrets::MasterKeys, service};

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("rotate-master-key") => service::command("provisioner", rotate).await,
        _ => service::run("provisioner", provisioner::start).await,
    }
}

async fn rotate(record: sqlx::PgPool, keys: MasterKeys) -> anyhow::Result<()> {
    let done = provisioner::rotate_master_key(&record, &keys).await?;
    let retired: Vec<_> = done.retired.iter().map(ToString::to_string).collect();
    for (tenant, name) in &done.damaged {
        tracing::error!(tenant.id = %tenant, name, "a secret does not open, and stays as it is");
    }
    let (rewrapped, retired) = (done.rewrapped, retired.join(", "));
    tracing::info!(
        rewrapped,
        retired,
        current = keys.current(),
        "secrets are wrapped with the current master key"
    );
    anyhow::ensure!(done.damaged.is_empty(), "{} secrets do not open", done.damaged.len());
    Ok(())
}
