//! How a service has something done to a tenant over NATS, and learns what became of it.
//!
//! `cargo run -p wire --example submit_operation -- tenant.heal ten_…` with NATS_URL, and NATS_USER and NATS_PASSWORD where
//! the server asks for them.

use std::time::Duration;

use anyhow::{Context, bail};
use common::{
    bus::{Bus, BusConfig, Carried},
    config::Env,
    id::OperationId,
    operations::Priority,
};
use futures::StreamExt;
use wire::{Event, Order, ProvisionerCommand, SubmitOperation};

/// The bus taking the message is no promise. Without an answer it is sent again, under the same id.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: submit_operation <kind> <tenant id>";
    let (kind, tenant) = (arguments.next().context(usage)?, arguments.next().context(usage)?.parse()?);
    let config: BusConfig = Env::of_process().load()?;
    let bus = Bus::connect(&config, "example").await?;

    let operation = OperationId::generate();
    let reason = Some("To show how it is done.".to_owned());
    let request = serde_json::json!({});
    let submitted = SubmitOperation { operation, kind, tenant, request, not_before: None, reason };
    let command = ProvisionerCommand { priority: Priority::Normal, order: Order::Submit(submitted) };
    let carried = Carried {
        actor: Some("service:example".into()),
        correlation_id: Some(operation.to_string()),
        ..Carried::default()
    };

    // Listening comes first, so that no answer is missed.
    let mut events = bus.listen::<Event>(format!("rp9.evt.v1.*.*.{tenant}")).await?;
    loop {
        if let Err(error) = bus.publish(&command, &carried).await {
            eprintln!("not sent yet: {error}");
        }
        let told = async {
            while let Some(event) = events.next().await {
                if event.operation == Some(operation) {
                    return Some(event);
                }
            }
            None
        };
        match tokio::time::timeout(SEND_AGAIN_AFTER, told).await {
            Err(_) => {}
            Ok(None) => bail!("the bus is gone"),
            Ok(Some(event)) => match event.kind.as_str() {
                "dead_letter.arrived" => bail!("refused: {}", event.data_json),
                // Any other event of an operation means that its row is there.
                kind => {
                    println!("{operation} is accepted: {kind} {}", event.data_json);
                    return Ok(());
                }
            },
        }
    }
}
