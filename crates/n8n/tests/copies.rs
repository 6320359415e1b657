//! Copies of a real database with n8n's own tables, by PostgreSQL's own programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{io::Cursor, path::PathBuf};

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use n8n::account;
use n8n::copies::{Copies as _, CopyError, Facts, Filling, Including, PostgresCopies, Stream};
use n8n::databases::{Name, PostgresDatabases, TenantDatabases as _};
use n8n::executions::Executions as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use support::{RealMigrations, VERSION, ask, databases, postgres, variable};
use tokio::io::AsyncReadExt as _;

const ALL: Including = Including { executions: true, files: true };
const AWAKE: Filling = Filling { executions: true, asleep: false, beside: false };

fn copies() -> PostgresCopies {
    let folder = PathBuf::from(variable("TEST_POSTGRES_BIN"));
    PostgresCopies::new(&variable("TEST_TENANT_DATABASE_ADMIN_URL").into(), Some(folder)).unwrap()
}

/// A tenant's database.
struct Tenant {
    name: Name,
    password: SecretString,
    server: PostgresDatabases,
}

impl Tenant {
    /// Only a login.
    async fn nobody() -> Self {
        let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
        let server = databases();
        server.ensure_role(&name, &password, 9).await.unwrap();
        Self { name, password, server }
    }

    /// With workflows, credentials, executions and a table of its owner's.
    async fn with_everything() -> Self {
        let tenant = Self::nobody().await;
        tenant.server.ensure_template(VERSION, &RealMigrations).await.unwrap();
        tenant.server.ensure_database(&tenant.name, &tenant.name, VERSION).await.unwrap();
        tenant.server.ensure_meter(&tenant.name).await.unwrap();
        for statement in [
            r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
               SELECT 'w' || i, 'It''s "' || i || E'"\n', false, '[]', '{}', gen_random_uuid() FROM generate_series(1, 45) i"#,
            "UPDATE workflow_entity SET active = true WHERE id IN ('w1', 'w2')",
            "INSERT INTO credentials_entity (id, name, data, type) SELECT 'c' || i, 'c' || i, 'U2FsdGVk', 'httpBasicAuth' FROM generate_series(1, 3) i",
            r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "startedAt")
               SELECT 'w1', 'webhook', 'success', true, now(), now() FROM generate_series(1, 500)"#,
            r#"INSERT INTO execution_data ("executionId", "workflowData", data) SELECT id, '{}', 'x' FROM execution_entity"#,
            r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "startedAt", "waitTill")
               VALUES ('w1', 'webhook', 'waiting', false, now(), now(), now() + interval '1 minute')"#,
            "CREATE TABLE data_table_user_x (id serial PRIMARY KEY, \"Größe\" text); INSERT INTO data_table_user_x (\"Größe\") VALUES ('1'), ('2')",
        ] {
            tenant.own(statement).await;
        }
        tenant
    }

    async fn own(&self, statement: &str) -> Option<String> {
        let name = self.name.to_string();
        let login = postgres().username(&name).password(self.password.expose_secret()).database(&name);
        ask(&login, statement).await.unwrap_or_else(|code| panic!("{code}: {statement}"))
    }

    async fn remove(self) {
        self.server.remove_database(&self.name).await.unwrap();
        self.server.remove_role(&self.name).await.unwrap();
    }
}

async fn read(mut stream: Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

fn of(bytes: &[u8]) -> Stream {
    Box::pin(Cursor::new(bytes.to_vec()))
}

async fn dumped(tenant: &Tenant, including: Including) -> (Vec<u8>, Facts) {
    let moment = copies().begin(&tenant.name).await.unwrap();
    (read(moment.dump(including).await.unwrap()).await, moment.facts().clone())
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn all_that_a_copy_gives_is_of_one_moment_and_comes_back_as_it_was() {
    let (tenant, other) = (Tenant::with_everything().await, Tenant::nobody().await);
    let moment = copies().begin(&tenant.name).await.unwrap();
    let facts = moment.facts().clone();
    // What happens from here on is of another moment.
    tenant.own("DELETE FROM workflow_entity WHERE id = 'w45'").await;
    tenant.own("DELETE FROM credentials_entity WHERE id = 'c3'").await;
    let dump = read(moment.dump(ALL).await.unwrap()).await;
    let workflows: Vec<Value> =
        serde_json::from_slice(&read(moment.workflows().await.unwrap()).await).unwrap();
    let credentials: Vec<Value> =
        serde_json::from_slice(&read(moment.credentials().await.unwrap()).await).unwrap();
    drop(moment);
    assert_eq!((workflows.len(), credentials.len()), (45, 3));
    assert_eq!(workflows[0]["name"], "It's \"1\"\n");
    assert_eq!(workflows[0]["tags"], serde_json::json!([]));
    assert_eq!(credentials[0]["data"], "U2FsdGVk");
    assert_eq!(facts.active, ["w1", "w2"]);
    assert_eq!((facts.rows["execution_entity"], facts.rows["data_table_user_x"]), (501, 2));
    assert_eq!((facts.counts.workflows, facts.counts.executions), (45, 501));

    let contents = copies().contents(of(&dump)).await.unwrap();
    assert!(facts.rows.keys().all(|table| contents.tables().contains(table.as_str())));
    for _ in 0..2 {
        let loaded = copies().load(&other.name, of(&dump), &contents, AWAKE).await.unwrap();
        assert_eq!((&loaded.rows, loaded.counts, &loaded.active), (&facts.rows, facts.counts, &facts.active));
    }
    // It is the other's own by now, as if n8n had made it.
    other.own("ALTER TABLE workflow_entity ADD COLUMN added text; CREATE TABLE more (id int)").await;
    other.own("UPDATE data_table_user_x SET \"Größe\" = 'another'").await;
    assert_eq!(other.own("SELECT nextval('execution_entity_id_seq')::text").await.unwrap(), "502");
    assert!(
        other
            .server
            .observe()
            .await
            .unwrap()
            .databases
            .iter()
            .any(|seen| seen.name == other.name && seen.finished)
    );
    for tenant in [tenant, other] {
        tenant.remove().await;
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_copy_that_sleeps_begins_nothing_and_executions_may_stay_behind() {
    let (tenant, other) = (Tenant::with_everything().await, Tenant::nobody().await);
    let (dump, facts) = dumped(&tenant, ALL).await;
    let contents = copies().contents(of(&dump)).await.unwrap();
    let asleep = Filling { executions: true, asleep: true, beside: false };
    let loaded = copies().load(&other.name, of(&dump), &contents, asleep).await.unwrap();
    assert_eq!((loaded.active.len(), loaded.counts.executions), (0, 501));
    let waiting =
        r#"SELECT count(*)::text FROM execution_entity WHERE status = 'waiting' OR "waitTill" IS NOT NULL"#;
    assert_eq!(other.own(waiting).await.unwrap(), "0");
    let without = Filling { executions: false, asleep: false, beside: false };
    let loaded = copies().load(&other.name, of(&dump), &contents, without).await.unwrap();
    assert_eq!((loaded.counts.executions, loaded.rows["execution_data"]), (0, 0));
    assert_eq!(loaded.active, facts.active);

    let (small, _) = dumped(&tenant, Including { executions: false, files: false }).await;
    assert!(small.len() < dump.len());
    let contents = copies().contents(of(&small)).await.unwrap();
    assert!(!contents.tables().contains("execution_entity") && contents.tables().contains("workflow_entity"));
    let loaded = copies().load(&other.name, of(&small), &contents, AWAKE).await.unwrap();
    assert_eq!((loaded.counts.workflows, loaded.counts.executions), (45, 0));
    for tenant in [tenant, other] {
        tenant.remove().await;
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_dump_that_comes_to_no_good_end_fails_at_its_end() {
    let tenant = Tenant::with_everything().await;
    let moment = copies().begin(&tenant.name).await.unwrap();
    let mut dump = moment.dump(ALL).await.unwrap();
    dump.read_exact(&mut [0; 100]).await.unwrap();
    // Its connection is cut in the middle.
    let end = format!(
        "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'rp9-copies'",
        tenant.name
    );
    ask(&postgres(), &end).await.unwrap();
    let failed = dump.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(failed.to_string().contains("pg_dump ended with"), "{failed}");
    drop(moment);

    let nobody = copies().begin(&Name::of(TenantId::generate())).await.err().unwrap();
    assert_eq!(nobody.kind(), Kind::NotFound);
    let (dump, _) = dumped(&tenant, ALL).await;
    for damaged in [&dump[..0], &dump[..4], &dump[..3000], b"PGDMPnonsense"] {
        let error = copies().contents(of(damaged)).await.unwrap_err();
        assert!(matches!(error, CopyError::Program(_)), "{error:?}");
    }
    // Half of it is loaded by nobody.
    let (other, contents) = (Tenant::nobody().await, copies().contents(of(&dump)).await.unwrap());
    copies().load(&other.name, of(&dump[..dump.len() / 2]), &contents, AWAKE).await.unwrap_err();
    let seen = other.server.observe().await.unwrap();
    assert!(seen.databases.iter().all(|seen| seen.name != other.name || !seen.finished));
    let without_role =
        copies().load(&Name::of(TenantId::generate()), of(&dump), &contents, AWAKE).await.unwrap_err();
    assert_eq!(without_role.kind(), Kind::NotFound);
    for tenant in [tenant, other] {
        tenant.remove().await;
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn the_programs_are_as_new_as_the_server() {
    let (tools, server) = copies().versions().await.unwrap();
    let major = |version: &str| version.split('.').next().unwrap().parse::<u32>().unwrap();
    assert!(major(&tools) >= major(&server), "{tools} {server}");
}
