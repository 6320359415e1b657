//! Two releases on one database and one queue: a later one's process for webhooks beside a former one's main, and then mains one after the other.
//! Workers that stop lose nothing of what they have taken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod support;

use std::time::Duration;

use answers::answered;
use common::id::TenantId;
use n8n::account::{self, ApiKeySigner};
use n8n::databases::{ApiKeyRow, Name, Owner, TenantDatabases as _};
use n8n::launch::{Instance, PORT, Role};
use n8n::probe;
use n8n::queues::TenantQueues as _;
use n8n::schema::Family;
use n8n::{Version, databases::PostgresDatabases};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use support::{Container, RealMigrations, VERSION, ask, databases, instance, queues, secrets, variable};
use tokio_util::sync::CancellationToken;

const FORMER: Version = Version::new(2, 40, 7);
const PATIENCE: Duration = Duration::from_secs(180);

const FORMER_MAIN: u16 = 26_010;
const FORMER_WORKER: u16 = 26_020;
const FRONT: u16 = 26_030;
const LATER_WORKER: u16 = 26_040;
const LATER_MAIN: u16 = 26_050;
const MORE_WORKERS: u16 = 26_060;

fn superuser() -> PgConnectOptions {
    variable("DATABASE_URL").parse().unwrap()
}

async fn is_ready(container: &Container, port: u16) {
    let check = container.launch.health_check.clone().unwrap();
    let moved: Vec<_> = check.iter().map(|part| part.replace(&PORT.to_string(), &port.to_string())).collect();
    let waiting = async {
        while !container.exec(&moved).await {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is ready in time");
}

/// One that listens there, and is ready.
async fn runs(instance: &Instance, role: Role, secrets: &n8n::launch::Secrets, port: u16) -> Container {
    let name = if matches!(role, Role::Worker { .. }) { "QUEUE_HEALTH_CHECK_PORT" } else { "N8N_PORT" };
    let ports = [(name, port.to_string()), ("N8N_RUNNERS_BROKER_PORT", (port + 1).to_string())];
    let container = Container::prepare(instance, role, secrets, &ports);
    container.start().await;
    is_ready(&container, port).await;
    container
}

fn workflow() -> Value {
    let node = |name: &str, kind: &str, version: f64, parameters: Value| {
        json!({
            "id": name, "name": name, "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version,
            "position": [0, 0], "parameters": parameters, "webhookId": name,
        })
    };
    let hook = json!({ "path": "greet", "httpMethod": "POST", "responseMode": "lastNode", "options": {} });
    let code = json!({ "jsCode": "return [{ json: { answer: $input.first().json.body.number * 2 } }]" });
    let link = json!({ "Hook": { "main": [[{ "node": "Double", "type": "main", "index": 0 }]] } });
    json!({
        "name": "Greet", "settings": {}, "connections": link,
        "nodes": [node("Hook", "webhook", 2.0, hook), node("Double", "code", 2.0, code)],
    })
}

/// The answer to one call, or what came instead.
async fn called(client: &Client, port: u16, number: u64) -> Result<(), String> {
    let url = format!("http://127.0.0.1:{port}/webhook/greet");
    let call = client.post(url).timeout(PATIENCE).json(&json!({ "number": number })).send();
    let answer = call.await.map_err(|error| error.to_string())?;
    let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
    if answer == json!({ "answer": 2 * number }) { Ok(()) } else { Err(answer.to_string()) }
}

/// Calls there, one after the other, until told to stop: how many were made.
async fn keeps_calling(client: Client, port: u16, stopping: CancellationToken) -> u64 {
    let mut number = 0;
    while !stopping.is_cancelled() {
        number += 1;
        called(&client, port, number).await.unwrap_or_else(|error| panic!("call {number}: {error}"));
    }
    number
}

/// An instance of the former release with its owner, whose key is returned.
async fn seeded(databases: &PostgresDatabases, name: &Name, secrets: &n8n::launch::Secrets) -> SecretString {
    databases.ensure_template(FORMER, &RealMigrations).await.unwrap();
    databases.ensure_role(name, &secrets.database_password, 30).await.unwrap();
    databases.ensure_database(name, name, FORMER).await.unwrap();
    let password = account::generate_password().unwrap();
    let owner = Owner {
        email: "ada@example.com".into(),
        first_name: "Ada".into(),
        last_name: "Lovelace".into(),
        password_hash: account::hash_password(&password).unwrap(),
    };
    let id = databases.seed_owner(name, &owner).await.unwrap();
    let signer = ApiKeySigner { secret: &secrets.jwt_secret };
    let token = signer.sign(id, uuid::Uuid::now_v7(), common::clock::now()).unwrap();
    databases.seed_api_key(name, &ApiKeyRow { label: "rp9".into(), token: token.clone() }).await.unwrap();
    token
}

/// A worker is told to stop while n8n has not yet read what it took: whoever waits for that gets its result.
async fn what_was_taken_ends(client: &Client, instance: &Instance, secrets: &n8n::launch::Secrets) {
    let asks = called(client, LATER_MAIN, 7);
    let stops = async {
        let tenant = Name::of(instance.tenant).to_string();
        let mut locks = superuser().database(&tenant).connect().await.unwrap();
        let waits = async { while queues().pending(instance.tenant).await.unwrap() == 0 {} };
        tokio::time::timeout(PATIENCE, waits).await.expect("it waits to be taken");
        sqlx::raw_sql("BEGIN; LOCK TABLE execution_data").execute(&mut locks).await.unwrap();
        let worker = runs(instance, Role::Worker { concurrency: 5 }, secrets, MORE_WORKERS).await;
        let blocked = "SELECT count(*)::text FROM pg_locks WHERE NOT granted";
        let reads = async { while ask(&superuser(), blocked).await.unwrap().as_deref() == Some("0") {} };
        tokio::time::timeout(PATIENCE, reads).await.expect("it was taken");
        assert!(tokio::time::timeout(Duration::from_secs(3), worker.stop()).await.is_err(), "it has gone");
        sqlx::raw_sql("ROLLBACK").execute(&mut locks).await.unwrap();
        worker.stop().await;
    };
    let (answer, ()) = tokio::join!(asks, stops);
    answer.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_later_release_answers_webhooks_beside_the_former_one_and_takes_its_place() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let tenant = TenantId::generate();
    let (name, secrets, databases, queues) = (Name::of(tenant), secrets(), databases(), queues());
    let token = seeded(&databases, &name, &secrets).await;
    queues.ensure_user(tenant, &secrets.redis_password).await.unwrap();
    let former = Instance { version: FORMER, ..instance(tenant) };
    let later = Instance { version: VERSION, ..former.clone() };
    let worker = Role::Worker { concurrency: 5 };
    let former_main = runs(&former, Role::Main, &secrets, FORMER_MAIN).await;
    let former_worker = runs(&former, worker, &secrets, FORMER_WORKER).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let api = |request: reqwest::RequestBuilder| request.header("X-N8N-API-KEY", token.expose_secret());
    let at = |path: &str| format!("http://127.0.0.1:{FORMER_MAIN}/api/v1/workflows{path}");
    let created: Value = answered(api(client.post(at(""))).json(&workflow())).await.json().await.unwrap();
    let activate = at(&format!("/{}/activate", created["id"].as_str().unwrap()));
    assert_eq!(answered(api(client.post(activate))).await.status(), StatusCode::OK);
    let live = async {
        while called(&client, FORMER_MAIN, 1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(PATIENCE, live).await.expect("the webhook is live");

    // The former side is called all along, while the later one changes the tables below it.
    let stopping = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    let of_former = tokio::spawn(keeps_calling(client.clone(), FORMER_MAIN, stopping.clone()));
    let front = runs(&later, Role::Webhook, &secrets, FRONT).await;
    assert_eq!(databases.schema(&name).await.unwrap(), Family::of(VERSION).unwrap());
    for number in 0..50 {
        called(&client, FRONT, number).await.unwrap();
    }
    let calls = probe::calls().into_iter().map(|part| part.replace(&PORT.to_string(), &FRONT.to_string()));
    assert!(front.exec(&calls.collect::<Vec<_>>()).await, "it answers calls of our own");
    stopping.cancel();
    assert!(of_former.await.unwrap() > 20, "both were called");

    // Mains change one after the other, while all calls go to the process for webhooks.
    let stopping = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    let of_front = tokio::spawn(keeps_calling(client.clone(), FRONT, stopping.clone()));
    let later_worker = runs(&later, worker, &secrets, LATER_WORKER).await;
    drop(former_main);
    let later_main = runs(&later, Role::Main, &secrets, LATER_MAIN).await;
    stopping.cancel();
    assert!(of_front.await.unwrap() > 20, "it was called while no main ran");
    former_worker.stop().await;
    drop(former_worker);
    for port in [FRONT, LATER_MAIN] {
        called(&client, port, 21).await.unwrap();
    }
    later_worker.stop().await;
    for instance in [&former, &later] {
        what_was_taken_ends(&client, instance, &secrets).await;
    }
    let counts = databases.final_state(&name).await.unwrap();
    assert_eq!((counts.workflows, counts.active_workflows), (1, 1));

    drop((front, later_worker, later_main));
    databases.remove_database(&name).await.unwrap();
    databases.remove_role(&name).await.unwrap();
    queues.remove(tenant).await.unwrap();
}
