//! A server of PostgreSQL's that is a test's own: it is told how much WAL it keeps, loses it, and is lost itself.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use sqlx::{AssertSqlSafe, PgPool, postgres::PgConnectOptions, postgres::PgPoolOptions};
use tempfile::TempDir;

use crate::tenant::variable;

/// PostgreSQL's programs. Those that refuse to be run as root are run as somebody else, with root's files: tests may be root's.
pub struct Programs {
    folder: TempDir,
}

impl Programs {
    pub fn new() -> Self {
        Self::of(&PathBuf::from(variable("TEST_POSTGRES_BIN")))
    }

    /// Those in this folder.
    pub fn of(real: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        for program in fs::read_dir(real).unwrap() {
            let (name, place) = {
                let entry = program.unwrap();
                (entry.file_name(), entry.path())
            };
            let link = folder.path().join(&name);
            if is_root && (["postgres", "initdb", "pg_ctl"].iter().any(|one| name == *one)) {
                let script = format!(
                    "#!/bin/sh\nexec unshare -U --map-user=65534 --map-group=65534 {} \"$@\"\n",
                    place.display()
                );
                fs::write(&link, script).unwrap();
                fs::set_permissions(&link, fs::Permissions::from_mode(0o755)).unwrap();
            } else {
                symlink(place, link).unwrap();
            }
        }
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// One that runs until it is dropped.
pub struct OwnServer {
    folder: TempDir,
    port: u16,
    running: Child,
}

const RECORD: &str = "create role anon nologin; create role authenticated nologin; create role service_role nologin;
    create role rp9 login; grant authenticated to rp9; create role rp9_wal login replication; grant pg_read_all_stats to rp9_wal;";

/// As the deployment makes it (`deploy/conf/postgres`).
const TENANTS: &str = "create role rp9_tenants login createdb createrole password 'rp9';
    alter role rp9_tenants set createrole_self_grant = 'set, inherit'";

impl OwnServer {
    /// With a database for a record, that of rp9; the role that copies it, and the one that makes tenants' databases.
    pub async fn start(programs: &Programs, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = Command::new(programs.path().join("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-D",
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let told = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_slot_wal_keep_size = '1GB'\n{settings}\n"
        );
        fs::write(data.join("postgresql.auto.conf"), told).unwrap();
        let running = Self::run(programs, &data);
        let server = Self { folder, port, running };
        let admin = server.pool("postgres", "postgres");
        while sqlx::query("select 1").execute(&admin).await.is_err() {
            tokio::task::yield_now().await;
        }
        for made in [RECORD, "create database rp9 owner rp9", TENANTS] {
            sqlx::raw_sql(made).execute(&admin).await.unwrap();
        }
        server
    }

    /// Where tenants' databases are made.
    pub fn admin_url(&self) -> String {
        format!("postgres://rp9_tenants:rp9@127.0.0.1:{}/postgres", self.port)
    }

    fn run(programs: &Programs, data: &Path) -> Child {
        let log = fs::File::create(data.with_extension("log")).unwrap();
        Command::new(programs.path().join("postgres"))
            .arg("-D")
            .arg(data)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub fn pool(&self, role: &str, database: &str) -> PgPool {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port);
        PgPoolOptions::new().max_connections(4).connect_lazy_with(options.username(role).database(database))
    }

    /// Where WAL comes from.
    pub fn replication_url(&self) -> String {
        format!("postgres://rp9_wal@127.0.0.1:{}/postgres", self.port)
    }

    pub async fn admin(&self, statement: &str) {
        let admin = self.pool("postgres", "rp9");
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&admin).await.unwrap();
        admin.close().await;
    }

    /// So much WAL.
    pub async fn write(&self, segments: usize) {
        for _ in 0..segments {
            self.admin("select pg_logical_emit_message(false, 'test', repeat('x', 1000000)) from generate_series(1, 17)").await;
        }
    }

    /// As PostgreSQL's programs reach it.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("data.log")).unwrap()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}
