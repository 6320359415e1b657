//! The backup service's process. `backup new-recovery-key` draws the key pair by which backups are opened when nothing else is left, and tells
//! it to whoever started it, and to nobody else; `backup recover …` brings the record back.

use std::process::ExitCode;

use common::service;
use objects::seal::SealKey;
use secrecy::ExposeSecret as _;

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("new-recovery-key") => new_recovery_key(),
        Some("recover") => backup::recover::run(std::env::args().skip(2)).await,
        _ => service::run("backup", backup::start).await,
    }
}

fn new_recovery_key() -> ExitCode {
    let key = SealKey::generate();
    let told = serde_json::json!({
        "recovery_key": key.text().expose_secret(),
        "recipient": key.recipient().to_string(),
    });
    println!("{told}");
    ExitCode::SUCCESS
}
