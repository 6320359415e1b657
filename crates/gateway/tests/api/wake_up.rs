//! The provisioner hears of what was accepted at once, when the bus is there.

use std::time::Duration;

use common::bus::Message;
use futures::StreamExt;
use sqlx::PgPool;
use wire::{Order, ProvisionerCommand};

use crate::support::{Call, Platform, nats_url, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_accepted_operation_is_announced_with_the_callers_names(database: PgPool) {
    let listener = async_nats::connect(nats_url()).await.unwrap();
    let mut commands = listener.subscribe(ProvisionerCommand::STREAM.subjects[0]).await.unwrap();
    listener.flush().await.unwrap();
    let platform = Platform::with_bus(database).await;
    let call = Call::post("/tenants", &tenant("acme")).by_a("admin").header("x-correlation-id", "order-42");
    let created = platform.send(call.signed()).await.json();

    // Other tests may be talking on the same bus.
    let announced = async {
        while let Some(message) = commands.next().await {
            let command = ProvisionerCommand::decode(&message.subject, &message.payload);
            // Other tests send what nobody can read.
            let Ok(ProvisionerCommand { order: Order::Wake(queued), .. }) = command else { continue };
            if created["operation_id"] == queued.operation.to_string() {
                return (queued, message.headers.expect("it has headers"));
            }
        }
        panic!("the bus went away");
    };
    let (queued, headers) =
        tokio::time::timeout(Duration::from_secs(10), announced).await.expect("it is announced");
    assert_eq!(queued.kind, "tenant.create");
    assert_eq!(headers.get("rp9-correlation-id").map(|id| id.as_str()), Some("order-42"));
    platform.stop().await;
}
