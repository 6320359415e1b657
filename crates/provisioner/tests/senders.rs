//! Who sends a command is who the bus has let in: two users, with production's permissions, on a real NATS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};
use common::{
    bus::{Bus, BusConfig, Carried, Message},
    config::{Env, Section},
    database::MIGRATOR,
    dead_letters::DeadLetters,
    id::{OperationId, TenantId},
    operations::Priority,
    service::Tasks,
};
use provisioner::intake;
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::mpsc;
use wire::{EVENTS, OperationQueued, Order, PROVISIONER, ProvisionerCommand, SubmitOperation};

struct Url(String);

impl Section for Url {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("TEST_NATS_USERS_URL").map(Self)
    }
}

fn url() -> String {
    Env::of_process().load::<Url>().unwrap().0
}

/// The passwords are the names that stand for them in production's settings.
fn password(user: &str) -> String {
    format!("@NATS_{}@", user.to_uppercase())
}

async fn bus_of(user: &str) -> Bus {
    let (url, password) = (url(), password(user));
    let variables = [("NATS_URL", url.as_str()), ("NATS_USER", user), ("NATS_PASSWORD", password.as_str())];
    let config: BusConfig = Env::of(variables).load().unwrap();
    let bus = Bus::connect(&config, user).await.unwrap();
    eventually(async || bus.is_connected()).await;
    bus
}

/// A client that publishes whatever it likes, and what the server says to that.
async fn stranger(user: &str) -> (Client, mpsc::UnboundedReceiver<String>) {
    let (sender, said) = mpsc::unbounded_channel();
    let options = ConnectOptions::with_user_and_password(user.to_owned(), password(user));
    let options = options.event_callback(move |event| {
        if let Event::ServerError(error) = event {
            let _ = sender.send(error.to_string());
        }
        std::future::ready(())
    });
    (options.connect(url()).await.unwrap(), said)
}

fn heal(tenant: TenantId) -> SubmitOperation {
    let (operation, kind) = (OperationId::generate(), "tenant.heal".to_owned());
    SubmitOperation { operation, kind, tenant, request: json!({}), not_before: None, reason: None }
}

fn command(order: Order) -> ProvisionerCommand {
    ProvisionerCommand { priority: Priority::High, order }
}

async fn eventually(so: impl AsyncFn() -> bool) {
    let becomes = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), becomes).await.expect("it becomes so");
}

async fn refused(said: &mut mpsc::UnboundedReceiver<String>, subject: &str) {
    let refused = tokio::time::timeout(Duration::from_secs(10), said.recv()).await.unwrap().unwrap();
    assert!(refused.to_lowercase().contains("permissions violation"), "{subject}: {refused}");
}

async fn actor(record: &PgPool, operation: OperationId) -> Option<(String, Option<String>)> {
    let audited = sqlx::query_as("select actor, reason from audit_logs where operation_id = $1");
    audited.bind(operation).fetch_optional(record).await.unwrap()
}

async fn tenant(record: &PgPool) -> TenantId {
    let id = TenantId::generate();
    let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                  values ($1, 'n', 'e', $2, 'dedicated', 'active', 'pro', '2.41.1')";
    sqlx::query(insert).bind(id).bind(id.digits()).execute(record).await.unwrap();
    id
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn nobody_sends_under_anothers_name(record: PgPool) {
    let (gateway, provisioner, tasks) =
        (bus_of("gateway").await, bus_of("provisioner").await, Tasks::default());
    // All that services do on the bus goes through what they may.
    gateway.ensure_stream(&EVENTS).await.unwrap();
    let (woken, mut wakes) = mpsc::unbounded_channel();
    let handle = intake::commands(record.clone(), move || {
        let _ = woken.send(());
    });
    let (dead, stopping, taking) = (DeadLetters::new(record.clone()), tasks.stopping(), provisioner.clone());
    provisioner.ensure_stream(&ProvisionerCommand::STREAM).await.unwrap().purge().await.unwrap();
    tasks.spawn("commands", async move { taking.consume(PROVISIONER, dead, stopping, handle).await });
    let queued = OperationQueued {
        service: "provisioner".into(),
        operation: OperationId::generate(),
        kind: "tenant.heal".into(),
        because_of: None,
    };
    gateway.publish(&command(Order::Wake(queued)), &Carried::default()).await.unwrap();
    wakes.recv().await.unwrap();

    // Each is noted as who it is, whatever it says.
    let tenant = tenant(&record).await;
    for (bus, actor_is) in [(&gateway, "service:gateway"), (&provisioner, "service:provisioner")] {
        let submitted = heal(tenant);
        let claims = Carried { actor: Some("service:billing".into()), ..Carried::default() };
        bus.publish(&command(Order::Submit(submitted.clone())), &claims).await.unwrap();
        eventually(async || actor(&record, submitted.operation).await.is_some()).await;
        let noted = actor(&record, submitted.operation).await.unwrap();
        assert_eq!(noted, (actor_is.into(), Some("for service:billing".into())));
    }

    // Neither under another's name, nor as the release before did, which proved nothing, nor what only a gateway tells.
    let (client, mut said) = stranger("provisioner").await;
    let forged = command(Order::Submit(heal(tenant)));
    let subjects = [
        format!("{}.gateway", forged.subject()),
        format!("{}.provisioner.gateway", forged.subject()),
        forged.subject(),
        format!("rp9.evt.v1.operation.succeeded.{tenant}"),
    ];
    for subject in subjects {
        client.publish(subject.clone(), forged.encode().into()).await.unwrap();
        refused(&mut said, &subject).await;
    }
    let operations = sqlx::query_scalar::<_, i64>("select count(*) from operations");
    assert_eq!(operations.fetch_one(&record).await.unwrap(), 2);
    tasks.finish(Duration::from_secs(10)).await.unwrap();
}

/// An answer holds a password, and one that somebody makes up would be believed.
#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn nobody_hears_anothers_answers_or_answers_unasked() {
    for (user, other) in [("gateway", "provisioner"), ("provisioner", "gateway")] {
        let (client, mut said) = stranger(user).await;
        for inbox in ["_INBOX.>".to_owned(), format!("_INBOX.{other}.>"), format!("_INBOX.{other}.*.*")] {
            let _refused = client.subscribe(inbox.clone()).await.unwrap();
            refused(&mut said, &inbox).await;
        }
        let unasked = format!("_INBOX.{other}.abc.def");
        client.publish(unasked.clone(), "made up".into()).await.unwrap();
        refused(&mut said, &unasked).await;
    }
}
