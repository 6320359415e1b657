//! The logins by which the platform enters tenants' databases, on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use common::id::TenantId;
use futures::future::join_all;
use n8n::account;
use n8n::databases::{Beside, DatabaseError, Name, PostgresDatabases, TenantDatabases as _};
use n8n::executions::{Executions as _, Whose};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use support::{RealMigrations, VERSION, ask, databases, postgres, variable};

struct Tenant {
    name: Name,
    password: SecretString,
    server: PostgresDatabases,
}

impl Tenant {
    async fn new() -> Self {
        let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
        let server = databases();
        server.ensure_template(VERSION, &RealMigrations).await.unwrap();
        server.ensure_role(&name, &password, 9).await.unwrap();
        server.ensure_database(&name, &name, VERSION).await.unwrap();
        Self { name, password, server }
    }

    fn login(&self) -> PgConnectOptions {
        let name = self.name.to_string();
        postgres().username(&name).password(self.password.expose_secret()).database(&name)
    }

    /// As the platform's login, in this tenant's database.
    async fn platform(&self, statement: &str) -> Option<String> {
        let asked = ask(&postgres().database(&self.name.to_string()), statement).await;
        asked.unwrap_or_else(|code| panic!("{code}: {statement}"))
    }

    /// As an installation is in which nobody has heard of keepers.
    async fn forget_keeper(&self) {
        let keeper = self.name.keeper();
        let ended = format!(
            "SELECT count(pg_terminate_backend(pid, 5000))::text FROM pg_stat_activity WHERE usename = '{keeper}'"
        );
        self.platform(&ended).await;
        self.platform(&format!("DROP OWNED BY \"{keeper}\"; DROP ROLE \"{keeper}\"")).await;
    }

    /// n8n's tables and what is counted are read by whoever asks next, on connections that are kept and on others.
    async fn is_entered(&self, server: &PostgresDatabases) {
        server.final_state(&self.name).await.unwrap();
        server.activity(&self.name, Whose::Everybodys).await.unwrap();
    }

    async fn remove(self) {
        self.server.remove_database(&self.name).await.unwrap();
        self.server.remove_role(&self.name).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_keeper_may_what_its_tenant_may_and_nothing_else() {
    let tenant = Tenant::new().await;
    let (name, keeper) = (tenant.name.to_string(), tenant.name.keeper());
    let may = format!(
        "SELECT concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin) FROM pg_roles WHERE rolname = '{keeper}'"
    );
    assert_eq!(tenant.platform(&may).await.as_deref(), Some("f f f f f t"));
    let members = |of: &str, which: &str, role: &str| {
        format!(
            "SELECT string_agg(DISTINCT {of}::regrole::text, ' ') FROM pg_auth_members WHERE {which} = '{role}'::regrole"
        )
    };
    let of = tenant.platform(&members("roleid", "member", &keeper)).await;
    assert_eq!(of.as_deref(), Some(name.as_str()), "a member of its tenant's role alone");
    let own = tenant.platform(&members("member", "roleid", &keeper)).await;
    assert_eq!(own.as_deref(), Some(postgres().get_username()), "nobody acts for it but the platform");
    // The tenant is let into the platform's schema only as far as it says what happens.
    for statement in [
        format!("SET ROLE \"{keeper}\""),
        "SELECT * FROM rp9.meter".to_owned(),
        "SELECT rp9.source()".to_owned(),
        "CREATE TABLE rp9.own (id int)".to_owned(),
        "DROP FUNCTION rp9.set_down".to_owned(),
    ] {
        assert_eq!(ask(&tenant.login(), &statement).await, Err("42501".to_owned()), "{statement}");
    }
    let seen = tenant.server.observe().await.unwrap();
    assert!(seen.keepers.contains(&tenant.name) && seen.roles.contains(&tenant.name));
    assert!(matches!(tenant.server.remove_role(&tenant.name).await, Err(DatabaseError::RoleInUse(_))));
    let gone = tenant.name;
    tenant.remove().await;
    let seen = databases().observe().await.unwrap();
    assert!(!seen.keepers.contains(&gone) && !seen.roles.contains(&gone));
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn whatever_keeps_a_keeper_out_is_put_right_by_whoever_enters_next() {
    let tenant = Tenant::new().await;
    let keeper = tenant.name.keeper();
    tenant.is_entered(&tenant.server).await;
    for damage in [
        format!("ALTER ROLE \"{keeper}\" PASSWORD 'another'"),
        format!("ALTER ROLE \"{keeper}\" NOLOGIN"),
        format!("REVOKE \"{}\" FROM \"{keeper}\"", tenant.name),
        format!(
            "ALTER ROLE \"{keeper}\" NOLOGIN; ALTER ROLE \"{keeper}\" SET default_transaction_read_only = on"
        ),
    ] {
        tenant.platform(&damage).await;
        // Several at once, each with connections of its own.
        join_all((0..6).map(async |_| tenant.is_entered(&databases()).await)).await;
    }
    tenant.forget_keeper().await;
    join_all((0..6).map(async |_| tenant.is_entered(&databases()).await)).await;
    // One that is held by whoever works on the tenant is no obstacle.
    tenant.forget_keeper().await;
    tenant.server.ensure_shared_schema(&tenant.name).await.unwrap();
    tenant.is_entered(&databases()).await;
    tenant.remove().await;
    let nobody = Name::of(TenantId::generate());
    assert!(matches!(databases().schema(&nobody).await, Err(DatabaseError::NoDatabase(_))));
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn what_counted_with_the_platforms_rights_does_so_in_none_of_a_tenants_databases_any_more() {
    let tenant = Tenant::new().await;
    tenant.server.ensure_meter(&tenant.name).await.unwrap();
    let mark = "SELECT obj_description('rp9.execution'::regclass, 'pg_class')";
    let this_releases = tenant.platform(mark).await.unwrap();
    let login = tenant.name;
    for statement in [
        "ALTER FUNCTION rp9.write_down() SECURITY DEFINER".to_owned(),
        "COMMENT ON TABLE rp9.execution IS 'rp9 meter 0'".to_owned(),
        format!("REVOKE ALL ON SCHEMA rp9 FROM \"{login}\""),
    ] {
        tenant.platform(&statement).await;
    }
    tenant.server.keep_former(&tenant.name).await.unwrap();
    let former = postgres().database(&tenant.name.beside(Beside::Former));
    let forgets = format!("DROP OWNED BY \"{}\"", tenant.name.keeper());
    ask(&former, &forgets).await.unwrap();
    tenant.forget_keeper().await;
    tenant.is_entered(&tenant.server).await;
    let definer = "SELECT prosecdef::text FROM pg_proc WHERE oid = 'rp9.write_down()'::regprocedure";
    assert_eq!(tenant.platform(definer).await.as_deref(), Some("false"));
    assert_eq!(ask(&former, definer).await.unwrap().as_deref(), Some("false"));
    // What is made anew counts, and is left alone from then on.
    tenant.server.ensure_meter(&tenant.name).await.unwrap();
    assert!(tenant.server.is_seen(&tenant.name).await.unwrap());
    assert_eq!(tenant.platform(mark).await, Some(this_releases));
    // A right that is lost is given again.
    tenant.platform(&format!("REVOKE ALL ON SCHEMA rp9 FROM \"{login}\"")).await;
    tenant.server.ensure_meter(&tenant.name).await.unwrap();
    for statement in [
        r#"INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId") VALUES ('w', 'w', false, '[]', '{}', gen_random_uuid())"#,
        r#"INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "startedAt") VALUES ('w', 'webhook', 'running', false, now(), now())"#,
    ] {
        ask(&tenant.login(), statement).await.unwrap();
    }
    let counted = tenant.server.activity(&tenant.name, Whose::Everybodys).await.unwrap();
    assert_eq!(counted[""].running, 1);
    tenant.remove().await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn another_password_of_the_platforms_is_another_one_of_each_keeper() {
    let tenant = Tenant::new().await;
    let superuser: PgConnectOptions = variable("DATABASE_URL").parse().unwrap();
    let (admin, next) = (postgres().get_username().to_owned(), format!("rp9_test_{}", tenant.name));
    let makes = format!(
        "CREATE ROLE \"{next}\" LOGIN PASSWORD 'the next one' IN ROLE \"{admin}\"; ALTER ROLE \"{next}\" SET role = '{admin}'"
    );
    ask(&superuser, &makes).await.unwrap();
    let url = variable("TEST_TENANT_DATABASE_ADMIN_URL");
    let mut other: url::Url = url.parse().unwrap();
    other.set_username(&next).unwrap();
    other.set_password(Some("the next one")).unwrap();
    let server = databases();
    tenant.is_entered(&server).await;
    for url in [other.as_str(), &url, other.as_str()] {
        server.put_url(url).unwrap();
        tenant.is_entered(&server).await;
    }
    // Whoever goes by the former one still finds the way in as well.
    tenant.is_entered(&databases()).await;
    tenant.remove().await;
    ask(&superuser, &format!("DROP ROLE \"{next}\"")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Postgres: deploy/test"]
async fn from_a_url_without_a_password_no_keeper_follows() {
    let mut url: url::Url = variable("TEST_TENANT_DATABASE_ADMIN_URL").parse().unwrap();
    url.set_password(None).unwrap();
    let server = PostgresDatabases::new(url.as_str()).unwrap();
    let refused = server.schema(&Name::of(TenantId::generate())).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::NoPassword), "{refused:?}");
}
