//! The real servers, and n8n itself in containers.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::path::PathBuf;
use std::process::Stdio;

use common::error::{Classify, Kind};
use common::tenant::Purpose;
use n8n::Version;
use n8n::databases::{Migrate, MigrationFailed, MigrationTarget, PostgresDatabases};
use n8n::launch::{Database, Instance, Launch, Redis, Role, Scheme, Secrets, content};
use n8n::queues::RedisQueues;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use tokio::process::Command;

pub const VERSION: Version = Version::new(2, 41, 1);

#[expect(clippy::disallowed_methods, reason = "a test's configuration")]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} names the server to test against"))
}

pub fn databases() -> PostgresDatabases {
    PostgresDatabases::new(&variable("TEST_TENANT_DATABASE_ADMIN_URL")).unwrap()
}

pub fn queues() -> RedisQueues {
    RedisQueues::new(&variable("TEST_REDIS_URL")).unwrap()
}

pub fn postgres() -> PgConnectOptions {
    variable("TEST_TENANT_DATABASE_ADMIN_URL").parse().unwrap()
}

/// The first column of the first row, as text, or the server's error code.
pub async fn ask(options: &PgConnectOptions, statement: &str) -> Result<Option<String>, String> {
    let code = |error: sqlx::Error| match error.as_database_error() {
        Some(database) => database.code().unwrap_or_default().into_owned(),
        None => error.to_string(),
    };
    let mut connection: PgConnection = options.connect().await.map_err(code)?;
    let statement = AssertSqlSafe(statement.to_owned());
    let row = sqlx::raw_sql(statement).fetch_optional(&mut connection).await.map_err(code)?;
    Ok(row.and_then(|row| row.try_get::<String, _>(0).ok()))
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

impl Classify for Failed {
    fn kind(&self) -> Kind {
        Kind::Upstream
    }
}

/// Migrates with the image of that version, as the platform does.
pub struct RealMigrations;

#[async_trait::async_trait]
impl Migrate for RealMigrations {
    async fn migrate(&self, target: &MigrationTarget) -> Result<(), MigrationFailed> {
        let mut instance = instance(common::id::TenantId::generate());
        instance.version = target.version;
        instance.database.name.clone_from(&target.database);
        instance.database.user.clone_from(&target.user);
        let mut secrets = secrets();
        secrets.database_password = target.password.clone();
        let container = Container::prepare(&instance, Role::Migrate, &secrets, &[]);
        container.run_to_end().await.map_err(|output| MigrationFailed::because(Failed(output)))
    }
}

pub fn secrets() -> Secrets {
    let key = || n8n::account::generate_key().unwrap();
    Secrets {
        encryption_key: key(),
        jwt_secret: key(),
        database_password: key(),
        redis_password: key(),
        smtp_password: SecretString::default(),
    }
}

/// An instance that reaches the servers where the tests do: on the host's own network.
pub fn instance(tenant: common::id::TenantId) -> Instance {
    let postgres = postgres();
    let redis: url::Url = variable("TEST_REDIS_URL").parse().unwrap();
    Instance {
        tenant,
        purpose: Purpose::Customer,
        version: VERSION,
        host: "acme.localhost".into(),
        scheme: Scheme::Http,
        port: 8000,
        database: Database {
            host: postgres.get_host().into(),
            port: postgres.get_port(),
            name: tenant.to_string(),
            user: tenant.to_string(),
        },
        redis: Redis {
            host: redis.host_str().unwrap().into(),
            port: redis.port().unwrap_or(6379),
            user: n8n::queues::user(tenant),
            prefix: n8n::queues::prefix(tenant),
        },
        timezone: "Europe/Berlin".into(),
        mail: None,
    }
}

/// A container of n8n, removed when the test ends.
pub struct Container {
    name: String,
    secrets: PathBuf,
    arguments: Vec<String>,
    version: Version,
    pub launch: Launch,
}

impl Container {
    /// Hardened as the platform's own: nothing writable but what `launch` names. `overrides` move ports, since all
    /// containers share the host's.
    pub fn prepare(instance: &Instance, role: Role, secrets: &Secrets, overrides: &[(&str, String)]) -> Self {
        let launch = instance.launch(role);
        let name = format!("rp9-test-{}", common::id::OperationId::generate().digits());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        for file in &launch.secret_files {
            let path = folder.join(file.secret.file_name());
            let secret: SecretString = content(secrets, file);
            std::fs::write(&path, secret.expose_secret()).unwrap();
            // The user of the image is not the one the test runs as.
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
        }
        for hook in n8n::hooks::files(instance.purpose) {
            let path = folder.join(hook.path.rsplit('/').next().unwrap());
            std::fs::write(&path, hook.content).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
        }
        let hardening = "run --network host --read-only --cap-drop ALL --security-opt no-new-privileges";
        let mut arguments: Vec<String> = hardening.split(' ').map(str::to_owned).collect();
        arguments.extend([
            "--name".into(),
            name.clone(),
            "-v".into(),
            format!("{}:/run/secrets:ro", folder.display()),
        ]);
        for tmpfs in &launch.tmpfs {
            let options = format!(
                "uid={},gid={},mode={:o},size={}m",
                tmpfs.uid, tmpfs.gid, tmpfs.mode, tmpfs.megabytes
            );
            arguments.extend(["--tmpfs".into(), format!("{}:{options}", tmpfs.path)]);
        }
        let pairs = launch.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let overrides = overrides.iter().map(|(name, value)| format!("{name}={value}"));
        arguments.extend(pairs.chain(overrides).flat_map(|pair| ["-e".to_owned(), pair]));
        Self { name, secrets: folder, arguments, version: instance.version, launch }
    }

    fn command(&self, before: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(self.arguments.first()).args(before).args(&self.arguments[1..]);
        command.arg(format!("n8nio/n8n:{}", self.version)).args(&self.launch.command).stdin(Stdio::null());
        command
    }

    /// Waits until the process has ended; its output if it failed.
    pub async fn run_to_end(&self) -> Result<(), String> {
        let output = self.command(&["--rm"]).output().await.unwrap();
        let text =
            || String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned();
        if output.status.success() { Ok(()) } else { Err(text()) }
    }

    pub async fn start(&self) {
        let output = self.command(&["--detach"]).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// As the platform does: it is told to, and has its time for it.
    pub async fn stop(&self) {
        let patience = self.launch.stop_timeout.as_secs().to_string();
        let stop = Command::new("docker").args(["stop", "--time", &patience, &self.name]).output();
        assert!(stop.await.unwrap().status.success());
    }

    pub async fn exec(&self, arguments: &[String]) -> bool {
        let command = Command::new("docker").arg("exec").arg(&self.name).args(arguments).output();
        command.await.unwrap().status.success()
    }

    /// What a program in it says.
    pub async fn said(&self, arguments: &[String]) -> Vec<u8> {
        let command = Command::new("docker").arg("exec").arg(&self.name).args(arguments).output();
        command.await.unwrap().stdout
    }

    pub async fn logs(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.name]).output().await.unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let removal = std::process::Command::new("docker").args(["rm", "--force", &self.name]).output();
        drop(removal);
        drop(std::fs::remove_dir_all(&self.secrets));
    }
}
