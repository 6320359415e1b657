//! A real OpenBao of one's own. What it keeps is in its memory: stopped, it forgets everything.

use std::{fs::File, path::PathBuf, process::Stdio, time::Duration};

use common::config::{Env, Section};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::eventually;

const ROOT: &str = "root-token-of-a-test";
pub const ROLE_ID: &str = "role-of-a-test";
pub const SECRET_ID: &str = "hunter2-secret-id";

struct Program(PathBuf);

impl Section for Program {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("TEST_BAO").map(Self)
    }
}

pub struct Bao {
    folder: TempDir,
    port: u16,
    tls: bool,
    process: Option<Child>,
    /// How long logins last, and how long they may be renewed.
    ttl: (&'static str, &'static str),
}

impl Bao {
    /// One that runs, with secrets of `rp9/child` and a role that may read those.
    pub async fn start(ttl: (&'static str, &'static str)) -> Self {
        let mut bao = Self::stopped(ttl, false);
        bao.run().await;
        bao
    }

    /// The same behind a certificate of its own authority.
    pub async fn start_with_tls() -> Self {
        let mut bao = Self::stopped(("1h", "1h"), true);
        bao.run().await;
        bao
    }

    /// One that does not run yet.
    pub fn stopped(ttl: (&'static str, &'static str), tls: bool) -> Self {
        Self { folder: TempDir::new().unwrap(), port: free_ports(), tls, process: None, ttl }
    }

    pub async fn run(&mut self) {
        let Program(path) = Env::of_process().load().unwrap();
        let log = File::create(self.log()).unwrap();
        let mut command = Command::new(path);
        command.args(["server", "-dev", "-dev-no-store-token"]);
        command.args([
            format!("-dev-root-token-id={ROOT}"),
            format!("-dev-listen-address=127.0.0.1:{}", self.port),
        ]);
        if self.tls {
            command.args(["-dev-tls", &format!("-dev-tls-cert-dir={}", self.folder.path().display())]);
        }
        command.stdin(Stdio::null()).stdout(log).stderr(Stdio::null()).kill_on_drop(true);
        self.process = Some(command.spawn().unwrap());
        eventually("OpenBao answers", async || {
            self.ask(Method::GET, "sys/health", json!({})).await.is_some()
        })
        .await;
        self.furnish().await;
    }

    async fn furnish(&self) {
        let policy = r#"path "secret/data/rp9/*" { capabilities = ["read"] }"#;
        self.call(Method::POST, "sys/policies/acl/rp9", json!({ "policy": policy })).await;
        self.call(Method::POST, "sys/auth/approle", json!({ "type": "approle" })).await;
        let (ttl, most) = self.ttl;
        let role = json!({ "token_policies": ["rp9"], "token_ttl": ttl, "token_max_ttl": most });
        self.call(Method::POST, "auth/approle/role/child", role).await;
        self.call(Method::POST, "auth/approle/role/child/role-id", json!({ "role_id": ROLE_ID })).await;
        let secret_id = json!({ "secret_id": SECRET_ID });
        self.call(Method::POST, "auth/approle/role/child/custom-secret-id", secret_id).await;
        self.put("rp9/child", json!({ "KEY": "hunter2-first" })).await;
    }

    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }

    pub async fn put(&self, path: &str, secrets: Value) {
        self.call(Method::POST, &format!("secret/data/{path}"), json!({ "data": secrets })).await;
    }

    pub async fn seal(&self) {
        self.call(Method::POST, "sys/seal", json!({})).await;
    }

    pub async fn unseal(&self) {
        let log = std::fs::read_to_string(self.log()).unwrap();
        let key = log.lines().find_map(|line| line.strip_prefix("Unseal Key: ")).unwrap().to_owned();
        self.call(Method::POST, "sys/unseal", json!({ "key": key })).await;
    }

    /// The logins of the role that are good at this moment.
    pub async fn logins(&self) -> Vec<Value> {
        let Some(list) = self.ask("LIST".parse().unwrap(), "auth/token/accessors", json!({})).await else {
            return Vec::new();
        };
        let mut logins = Vec::new();
        for accessor in list["data"]["keys"].as_array().unwrap() {
            let asked = json!({ "accessor": accessor });
            // It may be over by now.
            let Some(found) = self.ask(Method::POST, "auth/token/lookup-accessor", asked).await else {
                continue;
            };
            if found["data"]["path"] == "auth/approle/login" {
                logins.push(found["data"].clone());
            }
        }
        logins
    }

    pub async fn revoke_logins(&self) {
        for login in self.logins().await {
            let accessor = json!({ "accessor": login["accessor"] });
            self.call(Method::POST, "auth/token/revoke-accessor", accessor).await;
        }
    }

    /// A token that holds a new secret id and gives it away once.
    pub async fn wrapped_secret_id(&self) -> String {
        let request = self.client().post(self.url("auth/approle/role/child/secret-id"));
        let request = request.header("X-Vault-Token", ROOT).header("X-Vault-Wrap-TTL", "60s");
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["wrap_info"]["token"].as_str().unwrap().to_owned()
    }

    /// What a service is told to find it.
    pub fn settings(&self) -> Vec<(String, String)> {
        let scheme = if self.tls { "https" } else { "http" };
        let address = format!("{scheme}://127.0.0.1:{}", self.port);
        let settings = [
            ("SECRETS_BACKEND", "vault"),
            ("VAULT_ADDR", &address),
            ("VAULT_ROLE_ID", ROLE_ID),
            ("VAULT_SECRET_ID", SECRET_ID),
            ("VAULT_KV_PATH", "rp9/child"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("vault-ca.pem")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}/v1/{path}", if self.tls { "https" } else { "http" }, self.port)
    }

    fn client(&self) -> Client {
        let authority = std::fs::read(self.authority()).ok();
        let authority = authority.map(|text| Certificate::from_pem(&text).unwrap());
        let client = Client::builder().timeout(Duration::from_secs(5)).no_proxy();
        client.tls_certs_merge(authority).build().unwrap()
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        self.ask(method, path, body).await.unwrap_or_else(|| panic!("OpenBao does not do {path}"))
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Option<Value> {
        let request = self.client().request(method, self.url(path)).header("X-Vault-Token", ROOT).json(&body);
        let answer = request.send().await.ok()?.error_for_status().ok()?;
        let body = answer.bytes().await.ok()?;
        if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() }
    }
}

/// A free port whose next one, which OpenBao takes too, is free as well.
fn free_ports() -> u16 {
    super::free_port(2)
}
