//! Operations that other services submit over the bus: each becomes one row, or a dead letter that says why not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use std::time::Duration;

use common::{
    bus::{Bus, BusConfig, Carried, Message},
    clock,
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
use time::OffsetDateTime;
use wire::{COMMANDS, Order, PROVISIONER, ProvisionerCommand, SubmitOperation};

struct Url(String);

impl Section for Url {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("TEST_NATS_URL").map(Self)
    }
}

/// A service that submits, and two replicas of the provisioner that listen.
struct Stage {
    record: PgPool,
    bus: Bus,
    tasks: Tasks,
}

impl Stage {
    async fn new(record: PgPool) -> Self {
        let url = Env::of_process().load::<Url>().unwrap().0;
        let config: BusConfig =
            Env::of([("NATS_URL", url.as_str()), ("NATS_USER", "doctor"), ("NATS_PASSWORD", "unasked")])
                .load()
                .unwrap();
        let bus = Bus::connect(&config, "provisioner-test").await.unwrap();
        eventually(async || bus.is_connected()).await;
        bus.ensure_stream(&COMMANDS).await.unwrap().purge().await.unwrap();
        let tasks = Tasks::default();
        for _ in 0..2 {
            let (bus, handle) = (bus.clone(), intake::commands(record.clone(), || {}));
            let (dead, stopping) = (DeadLetters::new(record.clone()), tasks.stopping());
            tasks.spawn("commands", async move { bus.consume(PROVISIONER, dead, stopping, handle).await });
        }
        Self { record, bus, tasks }
    }

    async fn tenant(&self, status: &str) -> TenantId {
        let id = TenantId::generate();
        let insert = "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
                      values ($1, 'n', 'e', $2, 'dedicated', $3, 'pro', '2.41.1')";
        sqlx::query(insert).bind(id).bind(id.digits()).bind(status).execute(&self.record).await.unwrap();
        id
    }

    async fn send(&self, submitted: &SubmitOperation, priority: Priority, carried: &Carried) {
        let command = ProvisionerCommand { priority, order: Order::Submit(submitted.clone()) };
        self.bus.publish(&command, carried).await.unwrap();
    }

    /// What the record says of an operation: its tenant, priority, actor and status.
    async fn row(&self, id: OperationId) -> Option<(TenantId, i16, String, String)> {
        sqlx::query_as("select tenant_id, priority, actor, status from operations where id = $1")
            .bind(id)
            .fetch_optional(&self.record)
            .await
            .unwrap()
    }

    async fn dead(&self, id: OperationId) -> Option<(String, String)> {
        sqlx::query_as("select reason, detail from dead_letters where operation_id = $1")
            .bind(id)
            .fetch_optional(&self.record)
            .await
            .unwrap()
    }

    async fn count(&self, of: &'static str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {of}")))
            .fetch_one(&self.record)
            .await
            .unwrap()
    }
}

fn heal(tenant: TenantId) -> SubmitOperation {
    SubmitOperation {
        operation: OperationId::generate(),
        kind: "tenant.heal".into(),
        tenant,
        request: json!({}),
        not_before: None,
        reason: Some("It looks ill.".into()),
    }
}

fn by(actor: &str) -> Carried {
    Carried { actor: Some(actor.into()), correlation_id: Some("c".into()), ..Carried::default() }
}

async fn eventually(so: impl AsyncFn() -> bool) {
    let becomes = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), becomes).await.expect("it becomes so");
}

/// One stream for all, so one test at a time.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_submitted_becomes_one_row_or_a_dead_letter(record: PgPool) {
    let stage = Stage::new(record).await;
    it_becomes_a_row_once_however_often_it_is_sent(&stage).await;
    a_removal_marks_its_tenant(&stage).await;
    a_moment_to_come_is_kept(&stage).await;
    what_cannot_be_done_is_told(&stage).await;
    stage.tasks.finish(Duration::from_secs(10)).await.unwrap();
}

async fn it_becomes_a_row_once_however_often_it_is_sent(stage: &Stage) {
    let submitted = heal(stage.tenant("active").await);
    let encoded = ProvisionerCommand { priority: Priority::High, order: Order::Submit(submitted.clone()) };
    for attempt in 0..20 {
        let headers = [("rp9-actor".to_owned(), "service:doctor".to_owned())];
        let message_id = format!("{}.{attempt}", submitted.operation);
        stage
            .bus
            .resend(format!("{}.doctor", encoded.subject()), &headers, encoded.encode(), &message_id)
            .await
            .unwrap();
    }
    let last = heal(submitted.tenant);
    stage.send(&last, Priority::Low, &by("service:doctor")).await;
    eventually(async || stage.row(last.operation).await.is_some()).await;
    let row = stage.row(submitted.operation).await.unwrap();
    assert_eq!(row, (submitted.tenant, 0, "service:doctor".into(), "queued".into()));
    assert_eq!(stage.row(last.operation).await.unwrap().1, 2);
    assert_eq!((stage.count("operations").await, stage.count("dead_letters").await), (2, 0));
    let audited = "audit_logs where action = 'tenant.heal' and role = 'service' and reason = 'It looks ill.'";
    assert_eq!(stage.count(audited).await, 2);

    // As a service of the release before sends it.
    let former = heal(submitted.tenant);
    let encoded = ProvisionerCommand { priority: Priority::Low, order: Order::Submit(former.clone()) };
    let headers = [("rp9-actor".to_owned(), "service:surgeon".to_owned())];
    stage.bus.resend(encoded.subject(), &headers, encoded.encode(), "former").await.unwrap();
    eventually(async || stage.row(former.operation).await.is_some()).await;
    assert_eq!(stage.row(former.operation).await.unwrap().2, "unproven");
    let audited = "audit_logs where actor = 'unproven' and reason = 'for service:surgeon: It looks ill.'";
    assert_eq!(stage.count(audited).await, 1);
}

async fn a_removal_marks_its_tenant(stage: &Stage) {
    let tenant = stage.tenant("active").await;
    let remove = || SubmitOperation { kind: "tenant.delete".into(), ..heal(tenant) };
    let (first, second) = (remove(), remove());
    stage.send(&first, Priority::Normal, &by("service:billing")).await;
    eventually(async || stage.row(first.operation).await.is_some()).await;
    let status = sqlx::query_as("select status, status_before_deleting from tenants where id = $1");
    let status: (String, String) = status.bind(tenant).fetch_one(&stage.record).await.unwrap();
    assert_eq!(status, ("deleting".into(), "active".into()));
    stage.send(&second, Priority::Normal, &by("service:billing")).await;
    eventually(async || stage.dead(second.operation).await.is_some_and(|(reason, _)| reason == "refused"))
        .await;
}

async fn a_moment_to_come_is_kept(stage: &Stage) {
    let not_before = clock::now().replace_nanosecond(0).unwrap() + Duration::from_secs(3_600);
    let later = SubmitOperation { not_before: Some(not_before), ..heal(stage.tenant("active").await) };
    stage.send(&later, Priority::Normal, &by("service:doctor")).await;
    eventually(async || stage.row(later.operation).await.is_some()).await;
    let moments = sqlx::query_as("select not_before, deadline from operations where id = $1");
    let moments: (OffsetDateTime, OffsetDateTime) =
        moments.bind(later.operation).fetch_one(&stage.record).await.unwrap();
    assert_eq!(
        moments,
        (not_before, not_before + Duration::from_secs(600)),
        "the deadline counts from there"
    );
}

async fn what_cannot_be_done_is_told(stage: &Stage) {
    let taken = heal(stage.tenant("active").await);
    stage.send(&taken, Priority::Normal, &by("service:doctor")).await;
    eventually(async || stage.row(taken.operation).await.is_some()).await;
    let another = SubmitOperation { operation: taken.operation, ..heal(stage.tenant("active").await) };
    let tenant = stage.tenant("active").await;
    let wrong = [
        (heal(TenantId::generate()), by("service:doctor"), "refused"),
        (heal(stage.tenant("suspended").await), by("service:doctor"), "refused"),
        (heal(tenant), by("two words"), "refused"),
        (SubmitOperation { kind: "tenant.create".into(), ..heal(tenant) }, by("service:x"), "refused"),
        (
            SubmitOperation { request: json!({ "restart": "main" }), ..heal(tenant) },
            by("service:x"),
            "refused",
        ),
        (SubmitOperation { kind: "tenant.explode".into(), ..heal(tenant) }, by("service:x"), "refused"),
        (heal(tenant), Carried { deadline: Some(OffsetDateTime::UNIX_EPOCH), ..by("service:x") }, "expired"),
    ];
    for (submitted, carried, _) in &wrong {
        stage.send(submitted, Priority::Normal, carried).await;
    }
    for (submitted, _, expected) in &wrong {
        eventually(async || stage.dead(submitted.operation).await.is_some_and(|(r, _)| r == *expected)).await;
        assert_eq!(stage.row(submitted.operation).await, None, "{submitted:?}");
    }
    let encoded = ProvisionerCommand { priority: Priority::Normal, order: Order::Submit(another.clone()) };
    let headers = [("rp9-actor".to_owned(), "service:doctor".to_owned())];
    stage.bus.resend(encoded.subject(), &headers, encoded.encode(), "another").await.unwrap();
    eventually(async || {
        stage.dead(another.operation).await.is_some_and(|(_, why)| why.contains("has this id"))
    })
    .await;
    assert_eq!(stage.row(taken.operation).await.unwrap().0, taken.tenant);
}
