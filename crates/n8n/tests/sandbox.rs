//! A real n8n as a sandbox: what is started by hand runs, nothing can be made to start by itself, and the editor says where one is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod support;

use std::time::Duration;

use answers::answered;
use common::{id::TenantId, tenant::Purpose};
use n8n::account::{self, ApiKeySigner};
use n8n::databases::{ApiKeyRow, Name, Owner, TenantDatabases as _};
use n8n::launch::{Instance, PORT, Role};
use n8n::queues::TenantQueues as _;
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use support::{Container, RealMigrations, VERSION, databases, instance, queues, secrets};

const MAIN: u16 = 26_678;
const WORKER: u16 = 26_778;
const PATIENCE: Duration = Duration::from_secs(180);

async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

fn at(path: &str) -> String {
    format!("http://127.0.0.1:{MAIN}{path}")
}

async fn ready(container: &Container, port: u16) {
    let check = container.launch.health_check.clone().unwrap();
    let moved: Vec<_> = check.iter().map(|part| part.replace(&PORT.to_string(), &port.to_string())).collect();
    until("it is ready", || async { container.exec(&moved).await.then_some(()) }).await;
}

async fn told(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = answered(request).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Begins by hand, at a webhook and each second.
fn workflow() -> Value {
    let node = |name: &str, kind: &str, version: f64, parameters: Value| {
        json!({
            "id": name, "name": name, "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version,
            "position": [0, 0], "parameters": parameters, "webhookId": name,
        })
    };
    let every = json!({ "rule": { "interval": [{ "field": "seconds", "secondsInterval": 1 }] } });
    let code = json!({ "jsCode": "return [{ json: { answer: 42 } }]" });
    let to = || json!({ "main": [[{ "node": "Answer", "type": "main", "index": 0 }]] });
    json!({
        "name": "Answer", "settings": {}, "connections": { "Hand": to(), "Hook": to(), "Clock": to() },
        "nodes": [
            node("Hand", "manualTrigger", 1.0, json!({})),
            node("Hook", "webhook", 2.0, json!({ "path": "answer", "options": {} })),
            node("Clock", "scheduleTrigger", 1.2, every),
            node("Answer", "code", 2.0, code),
        ],
    })
}

async fn prepare(tenant: TenantId, owner: &Owner, secrets: &n8n::launch::Secrets) -> SecretString {
    let (name, databases) = (Name::of(tenant), databases());
    databases.ensure_template(VERSION, &RealMigrations).await.unwrap();
    databases.ensure_role(&name, &secrets.database_password, 15).await.unwrap();
    databases.ensure_database(&name, &name, VERSION).await.unwrap();
    queues().ensure_user(tenant, &secrets.redis_password).await.unwrap();
    let id = databases.seed_owner(&name, owner).await.unwrap();
    let signer = ApiKeySigner { secret: &secrets.jwt_secret };
    let token = signer.sign(id, uuid::Uuid::now_v7(), common::clock::now()).unwrap();
    let row = ApiKeyRow { label: "rp9".into(), token: token.clone() };
    databases.seed_api_key(&name, &row).await.unwrap();
    token
}

async fn session(client: &Client, owner: &Owner, password: &SecretString) -> String {
    let login = json!({ "emailOrLdapLoginId": owner.email, "password": password.expose_secret() });
    let answer = answered(client.post(at("/rest/login")).json(&login)).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    cookie.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_sandbox_runs_what_is_started_by_hand_and_activates_nothing() {
    let tenant = TenantId::generate();
    let (name, secrets, password) = (Name::of(tenant), secrets(), account::generate_password().unwrap());
    let owner = Owner {
        email: "ada@example.com".into(),
        first_name: "Ada".into(),
        last_name: "Lovelace".into(),
        password_hash: account::hash_password(&password).unwrap(),
    };
    let token = prepare(tenant, &owner, &secrets).await;
    let instance = Instance { purpose: Purpose::Sandbox, ..instance(tenant) };
    let ports = |port: u16, name: &'static str| {
        vec![(name, port.to_string()), ("N8N_RUNNERS_BROKER_PORT", (port + 1).to_string())]
    };
    let main = Container::prepare(&instance, Role::Main, &secrets, &ports(MAIN, "N8N_PORT"));
    let worker = Role::Worker { concurrency: 5 };
    let worker = Container::prepare(&instance, worker, &secrets, &ports(WORKER, "QUEUE_HEALTH_CHECK_PORT"));
    main.start().await;
    ready(&main, MAIN).await;
    worker.start().await;
    ready(&worker, WORKER).await;

    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let api = |request: RequestBuilder| request.header("X-N8N-API-KEY", token.expose_secret());
    let (status, created) = told(api(client.post(at("/api/v1/workflows")).json(&workflow()))).await;
    assert_eq!(status, StatusCode::OK, "{created}");
    let id = created["id"].as_str().unwrap();

    // Neither by the API nor in the editor.
    let refused = told(api(client.post(at(&format!("/api/v1/workflows/{id}/activate"))))).await;
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    assert!(refused.1["message"].as_str().unwrap().contains("This is a sandbox"), "{}", refused.1);
    let cookie = session(&client, &owner, &password).await;
    let editor = |request: RequestBuilder| request.header("cookie", &cookie);
    let version = json!({ "versionId": created["versionId"] });
    let by_hand = client.post(at(&format!("/rest/workflows/{id}/activate"))).json(&version);
    let refused = told(editor(by_hand)).await;
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    assert!(refused.1["message"].as_str().unwrap().contains("This is a sandbox"), "{}", refused.1);

    // The editor is told to show where one is, by n8n itself.
    let (_, settings) = told(editor(client.get(at("/rest/settings")))).await;
    let banners = &settings["data"]["dynamicBanners"];
    assert_eq!(banners["enabled"], true, "{banners}");
    assert_eq!(banners["endpoint"], "http://acme.localhost:8000/rp9-sandbox-banner");
    let (_, banner) = told(client.get(at("/rp9-sandbox-banner?version=2.41.1"))).await;
    assert!(banner[0]["content"].as_str().unwrap().contains("Sandbox"), "{banner}");

    // A person's own run goes the whole way, through queue, worker and runner.
    let run = client.post(at(&format!("/rest/workflows/{id}/run")));
    let run = run.json(&json!({ "workflowData": created, "triggerToStartFrom": { "name": "Hand" } }));
    let (status, begun) = told(editor(run)).await;
    assert_eq!(status, StatusCode::OK, "{begun}");
    let execution = begun["data"]["executionId"].as_str().unwrap_or_else(|| panic!("{begun}"));
    let ended = until("it has run", || async {
        let (_, seen) = told(editor(client.get(at(&format!("/rest/executions/{execution}"))))).await;
        let status = seen["data"]["status"].as_str()?.to_owned();
        (!["new", "running"].contains(&status.as_str())).then_some(status)
    })
    .await;
    assert_eq!(ended, "success", "{}", worker.logs().await);
    let counts = databases().final_state(&name).await.unwrap();
    assert_eq!((counts.workflows, counts.active_workflows, counts.executions), (1, 0, 1));

    drop((main, worker));
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
    queues().remove(tenant).await.unwrap();
}
