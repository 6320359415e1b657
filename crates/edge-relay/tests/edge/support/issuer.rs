//! A certificate authority, and the DNS that it asks: Pebble with its companion. And whoever keeps the platform's domain, whom Traefik
//! tells its proofs to.

use std::{
    collections::HashSet,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use common::config::{Env, Section};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PATIENCE, traefik::openssl};

/// What Traefik shows to whoever keeps the domain, in base64.
pub const KEEPERS_PASSWORD: &str = "told-to-the-keeper-alone";
const BASIC: &str = "Basic cnA5OnRvbGQtdG8tdGhlLWtlZXBlci1hbG9uZQ==";

/// Where the programs are.
struct Programs(PathBuf);

impl Section for Programs {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("TEST_PEBBLE").map(Self)
    }
}

pub struct Issuer {
    folder: PathBuf,
    programs: [Child; 2],
    pub directory: String,
    /// Of the DNS.
    pub dns: SocketAddr,
    /// Whoever keeps the platform's domain.
    pub keeper: SocketAddr,
    roots: String,
    names: Arc<Names>,
}

/// What the DNS is told.
struct Names {
    client: reqwest::Client,
    at: String,
}

impl Names {
    async fn tell(&self, what: &str, value: Value) {
        let told = self.client.post(format!("{}/{what}", self.at)).json(&value).send().await;
        told.unwrap().error_for_status().unwrap();
    }
}

impl Issuer {
    /// One whose certificates are good for so many seconds, and that asks for its proofs on this port.
    pub async fn start(web: u16, good_for: u64) -> Self {
        let Programs(programs) = Env::of_process().load().expect("deploy/checks/tools says where Pebble is");
        let folder = std::env::temp_dir().join(format!("rp9-issuer-{}", Uuid::now_v7()));
        fs::create_dir_all(&folder).unwrap();
        openssl(
            &folder.join("issuer.pem"),
            &["-subj", "/CN=issuer", "-addext", "subjectAltName=IP:127.0.0.1"],
        );
        let ports: [u16; 4] = testkit::ports::free(4).try_into().unwrap();
        let [directory, roots, dns, management] =
            ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let config = json!({ "pebble": {
            "listenAddress": directory, "managementListenAddress": roots,
            "certificate": folder.join("issuer.pem"), "privateKey": folder.join("issuer.pem"),
            "httpPort": web, "tlsPort": 1, "keyAlgorithm": "ecdsa", "retryAfter": { "authz": 3, "order": 1 },
            "profiles": { "default": { "description": "the usual", "validityPeriod": good_for } },
        } });
        fs::write(folder.join("pebble.json"), config.to_string()).unwrap();
        let (dns_at, management_at) = (dns.to_string(), management.to_string());
        let none = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""];
        let told = ["-dnsserver", &dns_at, "-management", &management_at];
        let names =
            run(&programs.join("pebble-challtestsrv"), &[&none[..], &told].concat(), &folder.join("dns.log"));
        let config = folder.join("pebble.json").display().to_string();
        let told = ["-config", &config, "-dnsserver", &dns_at];
        let pebble = run(&programs.join("pebble"), &told, &folder.join("pebble.log"));
        let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
        let names_told = Arc::new(Names { client, at: format!("http://{management_at}") });
        let keeper = keep(Arc::clone(&names_told)).await;
        let issuer = Self {
            folder,
            programs: [names, pebble],
            directory: format!("https://{directory}/dir"),
            dns,
            keeper,
            roots: format!("https://{roots}/roots/0"),
            names: names_told,
        };
        let began = std::time::Instant::now();
        while issuer.try_root().await.is_none() {
            assert!(began.elapsed() < PATIENCE, "{}", issuer.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        issuer
    }

    /// What whoever speaks to it must trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("issuer.pem")
    }

    async fn try_root(&self) -> Option<Vec<u8>> {
        let answer = self.names.client.get(&self.roots).send().await.ok()?;
        answer.bytes().await.ok().map(Into::into)
    }

    /// What callers trust.
    pub async fn root(&self) -> reqwest::Certificate {
        reqwest::Certificate::from_pem(&self.try_root().await.unwrap()).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("pebble.log")).unwrap()
    }

    /// How often it was asked for a certificate.
    pub fn orders(&self) -> usize {
        self.log().matches("Added order ").count()
    }

    /// How many orders of a name it looked for a proof of. It looks from three places at once.
    pub fn proofs_of(&self, host: &str) -> usize {
        let asked = format!("validate w/ HTTP: http://{host}:");
        let log = self.log();
        let proofs = log.lines().filter_map(|line| line.split_once(&asked).map(|(_, proof)| proof));
        proofs.collect::<HashSet<_>>().len()
    }

    /// The name is gone from the DNS.
    pub async fn name_goes(&self, host: &str) {
        self.names.tell("set-servfail", json!({ "host": host })).await;
    }

    /// It is there again.
    pub async fn name_returns(&self, host: &str) {
        self.names.tell("clear-servfail", json!({ "host": host })).await;
    }

    /// It leads there; others lead to this machine.
    pub async fn name_leads(&self, host: &str, to: &str) {
        self.names.tell("add-a", json!({ "host": host, "addresses": [to] })).await;
    }
}

fn run(program: &Path, told: &[&str], log: &Path) -> Child {
    let log = File::create(log).unwrap();
    let mut command = Command::new(program);
    // It refuses now and then, thinks about it and takes former proofs, to see whether clients can stand it. They can.
    command
        .args(told)
        .env("PEBBLE_VA_NOSLEEP", "1")
        .env("PEBBLE_WFE_NONCEREJECT", "0")
        .env("PEBBLE_AUTHZREUSE", "0");
    command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap()
}

/// Puts what Traefik tells into the DNS, as lego's provider `httpreq` does it.
async fn keep(names: Arc<Names>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router =
        Router::new().route("/present", post(present)).route("/cleanup", post(clean_up)).with_state(names);
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn present(State(names): State<Arc<Names>>, headers: HeaderMap, Json(told): Json<Value>) -> StatusCode {
    if headers.get("authorization").is_none_or(|shown| *shown != BASIC) {
        return StatusCode::UNAUTHORIZED;
    }
    names.tell("set-txt", json!({ "host": told["fqdn"], "value": told["value"] })).await;
    StatusCode::OK
}

async fn clean_up(State(names): State<Arc<Names>>, Json(told): Json<Value>) -> StatusCode {
    names.tell("clear-txt", json!({ "host": told["fqdn"] })).await;
    StatusCode::OK
}

impl Drop for Issuer {
    fn drop(&mut self) {
        for program in &mut self.programs {
            drop(program.kill());
            drop(program.wait());
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}
