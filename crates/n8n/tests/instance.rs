//! The whole of it: a seeded copy of the template, a main process and a worker of the real n8n.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod support;

use std::time::Duration;

use answers::answered;
use common::id::TenantId;
use futures::{StreamExt as _, stream};
use n8n::account::OwnerId;
use n8n::account::{self, ApiKeySigner};
use n8n::copies::{Moves as _, PostgresMoves, Webhook};
use n8n::databases::{ApiKeyRow, Name, Owner, TenantDatabases as _};
use n8n::launch::{PORT, Role};
use n8n::probe::{Listening, listening};
use n8n::queues::TenantQueues as _;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use support::{Container, RealMigrations, VERSION, databases, instance, queues, secrets};

const MAIN: u16 = 25_678;
const WORKER: u16 = 25_778;
const CALLS: usize = 500;
const AT_ONCE: usize = 10;
const PATIENCE: Duration = Duration::from_secs(180);

/// Asks until the answer satisfies; the port a process listens on tells nothing about when.
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

fn ports(main: bool) -> Vec<(&'static str, String)> {
    let (port, broker) = if main { (MAIN, MAIN + 1) } else { (WORKER, WORKER + 1) };
    let name = if main { "N8N_PORT" } else { "QUEUE_HEALTH_CHECK_PORT" };
    vec![(name, port.to_string()), ("N8N_RUNNERS_BROKER_PORT", broker.to_string())]
}

async fn is_ready(container: &Container, port: u16) -> Option<()> {
    let check = container.launch.health_check.clone().unwrap();
    let moved: Vec<_> = check.iter().map(|part| part.replace(&PORT.to_string(), &port.to_string())).collect();
    container.exec(&moved).await.then_some(())
}

fn workflow() -> Value {
    let node = |name: &str, kind: &str, version: f64, parameters: Value| {
        json!({
            "id": name, "name": name, "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version,
            "position": [0, 0], "parameters": parameters, "webhookId": name,
        })
    };
    let hook = json!({ "path": "greet", "httpMethod": "POST", "responseMode": "lastNode", "options": {} });
    let other = json!({ "path": "greet/:who/twice", "multipleMethods": true, "httpMethod": ["GET", "POST"], "options": {} });
    let code = json!({ "jsCode": "return [{ json: { answer: $input.first().json.body.number * 2 } }]" });
    let link = json!({ "Hook": { "main": [[{ "node": "Double", "type": "main", "index": 0 }]] } });
    json!({
        "name": "Greet", "settings": {}, "connections": link,
        "nodes": [
            node("Hook", "webhook", 2.0, hook), node("Other", "webhook", 2.0, other), node("Double", "code", 2.0, code),
        ],
    })
}

/// A finished job that is removed at once is now and then gone before its caller's main has looked: that call hangs for ever.
async fn every_caller_is_answered(client: &Client) {
    let call = async |number: usize| {
        let url = format!("http://127.0.0.1:{MAIN}/webhook/greet");
        let call =
            client.post(url).timeout(Duration::from_secs(30)).json(&json!({ "number": number })).send();
        let answer: Value = call.await.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
        if answer == json!({ "answer": 2 * number }) { Ok(()) } else { Err(answer.to_string()) }
    };
    let outcomes = stream::iter(0..CALLS).map(call).buffer_unordered(AT_ONCE);
    let failures: Vec<_> = outcomes.filter_map(async |outcome| outcome.err()).collect().await;
    assert!(failures.is_empty(), "{} of {CALLS}: {failures:?}", failures.len());
}

/// It is asked whether it answers for its webhooks, and runs nothing for it.
async fn it_answers_for_its_webhooks_and_no_others(main: &Container, name: &Name) {
    let webhook = |method: &str, path: &str| Webhook { method: method.to_owned(), path: path.to_owned() };
    let noted = PostgresMoves::new(databases()).webhooks(name).await.unwrap();
    let twice = "Other/greet/x/twice";
    let own = [webhook("GET", twice), webhook("POST", twice), webhook("POST", "greet")];
    assert!(noted.len() == own.len() && own.iter().all(|one| noted.contains(one)), "{noted:?}");
    let others = [webhook("PUT", "greet"), webhook("POST", "nobodys"), webhook("PUT", twice)];
    let asked = [&own[..], &others[..]].concat();
    let program =
        listening(&asked).into_iter().map(|part| part.replace(&PORT.to_string(), &MAIN.to_string()));
    let said = main.said(&program.collect::<Vec<_>>()).await;
    let answered =
        Listening::read(&said, asked.len()).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&said)));
    let mut silent = answered.silent(&asked);
    silent.sort_by_key(|webhook| webhook.path.len());
    assert_eq!(silent, [&others[0], &others[1], &others[2]]);
}

async fn the_owner_gets_in_and_nobody_else(client: &Client, owner: &Owner, password: &str, id: OwnerId) {
    let at = |path: &str| format!("http://127.0.0.1:{MAIN}{path}");
    let claim =
        json!({ "email": "eve@example.com", "firstName": "E", "lastName": "E", "password": "Password1" });
    let claimed = answered(client.post(at("/rest/owner/setup")).json(&claim)).await;
    assert_eq!(claimed.status(), StatusCode::BAD_REQUEST, "nobody can claim an instance that has its owner");
    let login = json!({ "emailOrLdapLoginId": owner.email, "password": password });
    let logged_in = answered(client.post(at("/rest/login")).json(&login)).await;
    assert_eq!(logged_in.status(), StatusCode::OK);
    let answer: Value = serde_json::from_str(&logged_in.text().await.unwrap()).unwrap();
    assert_eq!((&answer["data"]["role"], &answer["data"]["id"]), (&json!("global:owner"), &json!(id.0)));
}

async fn login(client: &Client, owner: &Owner, password: &str) -> Result<String, StatusCode> {
    let login = json!({ "emailOrLdapLoginId": owner.email, "password": password });
    let at = format!("http://127.0.0.1:{MAIN}/rest/login");
    let answer = answered(client.post(at).json(&login)).await;
    let cookie =
        answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()?.split(';').next());
    cookie.map(str::to_owned).ok_or(answer.status())
}

async fn a_reset_ends_sessions_and_lets_in_with_the_new_password(
    client: &Client,
    name: &Name,
    owner: &Owner,
    old: &SecretString,
) {
    let session = login(client, owner, old.expose_secret()).await.unwrap();
    let who = async || {
        let at = format!("http://127.0.0.1:{MAIN}/rest/login");
        answered(client.get(at).header("cookie", &session)).await.status()
    };
    assert_eq!(who().await, StatusCode::OK);
    let known = databases().owner_login(name).await.unwrap();
    assert_eq!(known.email, owner.email);
    assert!(account::is_hash_of(old, &known.password_hash));

    let new = account::generate_password().unwrap();
    let hash = account::hash_password(&new).unwrap();
    assert_eq!(databases().reset_owner(name, &hash, true).await.unwrap(), owner.email);
    assert_eq!(who().await, StatusCode::UNAUTHORIZED, "the session of before has ended");
    assert_eq!(login(client, owner, old.expose_secret()).await, Err(StatusCode::UNAUTHORIZED));
    login(client, owner, new.expose_secret()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn a_seeded_instance_serves_its_owner_its_key_and_a_webhook() {
    let tenant = TenantId::generate();
    let (name, secrets, password) = (Name::of(tenant), secrets(), account::generate_password().unwrap());
    let (databases, queues) = (databases(), queues());
    databases.ensure_template(VERSION, &RealMigrations).await.unwrap();
    databases.ensure_role(&name, &secrets.database_password, 12).await.unwrap();
    databases.ensure_database(&name, &name, VERSION).await.unwrap();
    queues.ensure_user(tenant, &secrets.redis_password).await.unwrap();
    let owner = Owner {
        email: "ada@example.com".into(),
        first_name: "Ada".into(),
        last_name: "Lovelace".into(),
        password_hash: account::hash_password(&password).unwrap(),
    };
    let id = databases.seed_owner(&name, &owner).await.unwrap();
    let signer = ApiKeySigner { secret: &secrets.jwt_secret };
    let token = signer.sign(id, uuid::Uuid::now_v7(), common::clock::now()).unwrap();
    let row = ApiKeyRow { label: "rp9".into(), token: token.clone() };
    databases.seed_api_key(&name, &row).await.unwrap();

    let instance = instance(tenant);
    let main = Container::prepare(&instance, Role::Main, &secrets, &ports(true));
    let worker = Container::prepare(&instance, Role::Worker { concurrency: 5 }, &secrets, &ports(false));
    main.start().await;
    until("main is ready", || is_ready(&main, MAIN)).await;
    worker.start().await;
    until("worker is ready", || is_ready(&worker, WORKER)).await;

    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let at = |path: &str| format!("http://127.0.0.1:{MAIN}{path}");
    the_owner_gets_in_and_nobody_else(&client, &owner, password.expose_secret(), id).await;
    a_reset_ends_sessions_and_lets_in_with_the_new_password(&client, &name, &owner, &password).await;
    let api = |request: reqwest::RequestBuilder| request.header("X-N8N-API-KEY", token.expose_secret());
    let created = answered(api(client.post(at("/api/v1/workflows")).json(&workflow()))).await;
    assert_eq!(created.status(), StatusCode::OK);
    let created: Value = created.json().await.unwrap();
    let activate = at(&format!("/api/v1/workflows/{}/activate", created["id"].as_str().unwrap()));
    assert_eq!(answered(api(client.post(activate))).await.status(), StatusCode::OK);
    let answer = until("the webhook answers", || async {
        let call = client.post(at("/webhook/greet")).json(&json!({ "number": 21 })).send().await.ok()?;
        if call.status() == StatusCode::OK { call.json::<Value>().await.ok() } else { None }
    })
    .await;
    assert_eq!(answer, json!({ "answer": 42 }));
    // The main process only queues; the execution is the worker's, and the Code node its runner's.
    assert!(worker.logs().await.contains("finished execution"), "{}", worker.logs().await);

    every_caller_is_answered(&client).await;
    it_answers_for_its_webhooks_and_no_others(&main, &name).await;
    let counts = databases.final_state(&name).await.unwrap();
    assert_eq!((counts.workflows, counts.active_workflows), (1, 1));
    assert_eq!(counts.executions, 1 + CALLS as u64);
    assert_eq!(databases.seed_owner(&name, &owner).await.unwrap(), id);
    let logs = main.logs().await + &worker.logs().await;
    for refusal in
        ["NOPERM", "permission denied", "must be owner", "read-only file system", "EROFS", "EACCES"]
    {
        assert!(!logs.contains(refusal), "{refusal}: {logs}");
    }
    drop((main, worker));
    databases.remove_database(&name).await.unwrap();
    databases.remove_role(&name).await.unwrap();
    queues.remove(tenant).await.unwrap();
}
