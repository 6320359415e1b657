//! The API, as a portal calls it: a token, a signature, an idempotency key.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::config::{Env, Section};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::eventually;

/// The platform's API.
#[derive(Clone)]
pub struct Api {
    client: Client,
    settings: std::sync::Arc<Settings>,
}

struct Settings {
    url: String,
    token: SecretString,
    hmac: SecretString,
    jwt: SecretString,
}

impl Section for Settings {
    fn read(env: &mut Env) -> Option<Self> {
        let (url, token, hmac) =
            (env.required("RP9_URL"), env.secret("RP9_TOKEN"), env.secret("RP9_HMAC_SECRET"));
        let jwt = env.secret("RP9_JWT_SECRET");
        Some(Self { url: url?, token: token?, hmac: hmac?, jwt: jwt? })
    }
}

/// A request that changes something.
#[derive(Clone)]
pub struct Command {
    pub method: Method,
    pub path: String,
    pub body: String,
    pub key: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

/// The tenant that `deploy/up` made, dedicated and on the plan `pro`.
struct FirstTenant(String);

impl Section for FirstTenant {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("RP9_TENANT_ID").map(Self)
    }
}

/// Its id.
pub fn first_tenant() -> String {
    let FirstTenant(id) = Env::of_process().load().unwrap();
    id
}

impl Api {
    /// The platform that the environment names.
    pub fn of_environment() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(15)).no_proxy().build().unwrap();
        Self { client, settings: std::sync::Arc::new(Env::of_process().load().unwrap()) }
    }

    /// The same, asked by another role.
    pub fn as_a(&self, role: &str) -> Self {
        let expires = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 3600;
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims =
            json!({ "sub": format!("e2e-{role}"), "role": role, "aud": "rp9-orchestrator", "exp": expires });
        let signed = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
        let Settings { url, hmac, jwt, .. } = &*self.settings;
        let mut mac = Hmac::<Sha256>::new_from_slice(jwt.expose_secret().as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).into();
        let settings = Settings { url: url.clone(), token, hmac: hmac.clone(), jwt: jwt.clone() };
        Self { client: self.client.clone(), settings: settings.into() }
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Answer, String> {
        let request = self.client.get(format!("{}{path}", self.settings.url));
        send(request.bearer_auth(self.settings.token.expose_secret())).await
    }

    /// Sends a signed command.
    pub async fn command(&self, command: &Command) -> Result<Answer, String> {
        send(self.signed(command)).await
    }

    /// The same, and which trace it is of, as the answer says.
    pub async fn traced(&self, command: &Command) -> (Answer, String) {
        let answer = self.signed(command).send().await.unwrap();
        let trace = answer.headers()["x-trace-id"].to_str().unwrap().to_owned();
        (read(answer).await.unwrap(), trace)
    }

    fn signed(&self, command: &Command) -> reqwest::RequestBuilder {
        let timestamp = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let key = command.key.clone().unwrap_or_default();
        let digest = hex::encode(Sha256::digest(&command.body));
        let signed = format!("{timestamp}\n{}\n{}\n{digest}\n{key}", command.method, command.path);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.settings.hmac.expose_secret().as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let mut request = self
            .client
            .request(command.method.clone(), format!("{}{}", self.settings.url, command.path))
            .bearer_auth(self.settings.token.expose_secret())
            .header("x-rp9-timestamp", timestamp)
            .header("x-rp9-signature", format!("v2={}", hex::encode(mac.finalize().into_bytes())))
            .header("content-type", "application/json")
            .body(command.body.clone());
        if let Some(key) = &command.key {
            request = request.header("idempotency-key", key);
        }
        request
    }

    /// Asks for a dedicated tenant under a subdomain nobody has; its id and the operation that makes it.
    pub async fn create_tenant(&self, plan: &str) -> (String, String) {
        self.created(&Command::create(plan)).await
    }

    /// The same on this release of n8n, which need not be the one that new tenants get.
    pub async fn create_on(&self, plan: &str, n8n_version: &str) -> (String, String) {
        self.created(&Command::create_on(plan, n8n_version)).await
    }

    /// Asks for a tenant as whoever says nothing about how it is hosted gets it: it shares an n8n.
    pub async fn create_sharing(&self, plan: &str) -> (String, String) {
        self.created(&Command::create_sharing(plan)).await
    }

    async fn created(&self, command: &Command) -> (String, String) {
        let answer = self.command(command).await.unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
        (text(&answer.body["tenant_id"]), text(&answer.body["operation_id"]))
    }

    /// Asks for a tenant's removal and waits until nothing of it is left.
    pub async fn delete_tenant(&self, tenant: &str) -> Value {
        let answer = self.command(&Command::delete(tenant)).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        self.succeeds(&text(&answer.body["operation_id"])).await
    }

    /// Has something done to a tenant; the operation that does it.
    pub async fn operate(&self, tenant: &str, verb: &str, body: &Value) -> String {
        let answer = self.command(&Command::operate(tenant, verb, body)).await.unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        text(&answer.body["operation_id"])
    }

    /// The n8n for tenants to share that `deploy/up` made.
    pub async fn first_shared_instance(&self) -> String {
        let listed = self.get("/shared-instances").await.unwrap().body;
        let first = listed["data"].as_array().unwrap().iter().find(|one| one["name"] == "shared-1");
        text(&first.unwrap_or_else(|| panic!("{listed}"))["id"])
    }

    /// Waits for an operation to succeed.
    pub async fn succeeds(&self, operation: &str) -> Value {
        self.succeeds_within(operation, Duration::from_secs(300)).await
    }

    /// The same of one that takes longer than most.
    pub async fn succeeds_within(&self, operation: &str, limit: Duration) -> Value {
        eventually(&format!("{operation} succeeds"), limit, async || {
            let seen = self.operation(operation).await?;
            match seen["status"].as_str() {
                Some("succeeded") => Ok(seen),
                Some("rolled_back" | "stuck") => panic!("the operation failed: {seen:#}"),
                _ => Err(format!("{seen}")),
            }
        })
        .await
    }

    /// The same where the API itself may be away for a while.
    pub async fn succeeds_after_outage(&self, operation: &str) -> Value {
        let up = async || self.operation(operation).await;
        eventually("the API is back", Duration::from_secs(60), up).await;
        self.succeeds(operation).await
    }

    /// An operation as it is.
    pub async fn operation(&self, operation: &str) -> Result<Value, String> {
        let answer = self.get(&format!("/operations/{operation}")).await?;
        if answer.status == 200 { Ok(answer.body["data"].clone()) } else { Err(format!("{answer:?}")) }
    }

    /// The last time that a tenant was to be moved into an n8n of its own.
    pub async fn last_promotion(&self, tenant: &str) -> Value {
        let list = self.get(&format!("/tenants/{tenant}/promotions")).await.unwrap();
        assert_eq!(list.status, 200, "{list:?}");
        list.body["data"][0].clone()
    }

    /// A tenant as it is.
    pub async fn tenant(&self, tenant: &str) -> Value {
        let answer = self.get(&format!("/tenants/{tenant}")).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["data"]["tenant"].clone()
    }
}

impl Command {
    /// A tenant under a subdomain nobody has.
    pub fn create(plan: &str) -> Self {
        let subdomain = format!("e2e-{}", &uuid::Uuid::now_v7().simple().to_string()[16..]);
        let body = json!({
            "name": "End To End", "email": "owner@e2e.example", "subdomain": subdomain, "mode": "dedicated", "plan": plan,
        });
        Self::post("/tenants", &body)
    }

    /// The same by whoever says nothing about how it is hosted.
    pub fn create_sharing(plan: &str) -> Self {
        Self::create(plan).saying(|body| drop(body.as_object_mut().unwrap().remove("mode")))
    }

    /// The same as the first, on this release of n8n.
    pub fn create_on(plan: &str, n8n_version: &str) -> Self {
        Self::create(plan).saying(|body| body["n8n_version"] = json!(n8n_version))
    }

    fn saying(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).unwrap();
        change(&mut body);
        self.body = body.to_string();
        self
    }

    /// Something done to a tenant: `restart`, `backup`, `restore`, ….
    pub fn operate(tenant: &str, verb: &str, body: &Value) -> Self {
        Self::post(&format!("/tenants/{tenant}/{verb}"), body)
    }

    /// Something that is asked for at this path.
    pub fn post(path: &str, body: &Value) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            body: body.to_string(),
            key: Some(uuid::Uuid::now_v7().to_string()),
        }
    }

    /// An n8n for tenants to share, under a name nobody has.
    pub fn share() -> Self {
        let name = format!("e2e-{}", &uuid::Uuid::now_v7().simple().to_string()[16..]);
        Self::post("/shared-instances", &json!({ "name": name }))
    }

    /// A tenant's removal.
    pub fn delete(tenant: &str) -> Self {
        Self::remove(&format!("/tenants/{tenant}"))
    }

    /// The removal of what is at this path.
    pub fn remove(path: &str) -> Self {
        Self {
            method: Method::DELETE,
            path: path.to_owned(),
            body: String::new(),
            key: Some(uuid::Uuid::now_v7().to_string()),
        }
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Answer, String> {
    read(request.send().await.map_err(|e| e.to_string())?).await
}

async fn read(answer: reqwest::Response) -> Result<Answer, String> {
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    let body = answer.text().await.map_err(|e| e.to_string())?;
    Ok(Answer { status, retry_after, body: serde_json::from_str(&body).unwrap_or(Value::String(body)) })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
