//! The tenants' databases on a real PostgreSQL, with templates made by the real n8n.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use futures::future::join_all;
use n8n::databases::{
    ApiKeyRow, Counts, DatabaseError, Migrate, MigrationFailed, MigrationTarget, Name, Owner,
    TenantDatabases as _, template_name,
};
use n8n::{Version, account, schema::Family};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{ConnectOptions as _, Connection as _};
use support::{Failed, RealMigrations, VERSION, ask, databases, postgres};

fn owner(email: &str) -> Owner {
    let password_hash = account::hash_password(&"Correct-horse-1".to_owned().into()).unwrap();
    // Hostile on purpose, and longer than n8n's column.
    let first_name = "Robert'); DROP TABLE \"user\"; --".into();
    Owner { email: email.into(), first_name, last_name: "Ünïcode \\ \"quoted\" ".repeat(4), password_hash }
}

async fn tenant() -> (Name, SecretString) {
    let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
    let server = databases();
    server.ensure_template(VERSION, &RealMigrations).await.unwrap();
    server.ensure_role(&name, &password, 9).await.unwrap();
    server.ensure_database(&name, &name, VERSION).await.unwrap();
    (name, password)
}

async fn remove(name: Name) {
    for _ in 0..2 {
        databases().remove_database(&name).await.unwrap();
        databases().remove_role(&name).await.unwrap();
    }
}

fn login(name: &Name, password: &SecretString) -> sqlx::postgres::PgConnectOptions {
    let name = name.to_string();
    postgres().username(&name).password(password.expose_secret()).database(&name)
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn everything_may_be_done_twice_and_removed_twice() {
    let (name, password) = tenant().await;
    let server = databases();
    server.ensure_template(VERSION, &Counting::default()).await.unwrap();
    server.ensure_role(&name, &password, 7).await.unwrap();
    server.ensure_database(&name, &name, VERSION).await.unwrap();
    let id = server.seed_owner(&name, &owner("Ada@Example.com")).await.unwrap();
    assert_eq!(server.seed_owner(&name, &owner("eve@example.com")).await.unwrap(), id);
    for token in ["first", "second", "second"] {
        let key = ApiKeyRow { label: "rp9".into(), token: token.to_owned().into() };
        server.seed_api_key(&name, &key).await.unwrap();
    }
    let tenant = login(&name, &password);
    let email =
        ask(&tenant, r#"SELECT string_agg(email || length("firstName"), ',') FROM "user""#).await.unwrap();
    assert_eq!(email.as_deref(), Some("ada@example.com31"));
    let keys = ask(&tenant, r#"SELECT string_agg("apiKey", ',') FROM user_api_keys"#).await.unwrap();
    assert_eq!(keys.as_deref(), Some("second"));
    assert_eq!(server.schema(&name).await.unwrap(), Family::of(VERSION).unwrap());
    assert_eq!(server.final_state(&name).await.unwrap(), Counts::default());
    let sizes = server.sizes().await.unwrap();
    assert!(sizes.iter().any(|(database, bytes)| *database == name && *bytes > 1_000_000), "{sizes:?}");
    let seen = server.observe().await.unwrap();
    assert!(seen.databases.iter().any(|database| database.name == name && database.finished));
    assert!(seen.roles.contains(&name) && seen.templates.iter().any(|t| t.version == VERSION && t.finished));
    assert!(matches!(server.remove_role(&name).await, Err(DatabaseError::RoleInUse(_))));
    remove(name).await;
    let seen = server.observe().await.unwrap();
    assert!(!seen.roles.contains(&name) && seen.databases.iter().all(|database| database.name != name));
    assert!(matches!(server.final_state(&name).await, Err(DatabaseError::NoDatabase(_))));
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn those_who_share_one_get_their_schema_as_often_as_one_likes_and_n8n_may_ask_it() {
    let (name, password) = tenant().await;
    let server = databases();
    server.seed_owner(&name, &owner("platform@tenants.invalid")).await.unwrap();
    for done in join_all((0..3).map(|_| server.ensure_shared_schema(&name))).await {
        done.unwrap();
    }
    let n8n = login(&name, &password);
    let asked = ask(&n8n, "SELECT rp9.begin_execution('nobodys', true)").await.unwrap();
    assert_eq!(asked.as_deref(), Some("unknown"));
    let roles = ask(&n8n, "SELECT slug FROM role WHERE slug = 'global:tenant'").await.unwrap();
    assert_eq!(roles.as_deref(), Some("global:tenant"));
    let may = r#"SELECT count(*)::text FROM role_scope WHERE "roleSlug" = 'global:tenant'"#;
    assert_eq!(ask(&n8n, may).await.unwrap().as_deref(), Some("3"), "before n8n has ever been started");
    // What a tenant may is not n8n's to write: a hook that is deceived cannot raise a limit.
    let raise = "INSERT INTO rp9.tenant VALUES ('p', gen_random_uuid(), 1000)";
    assert_eq!(ask(&n8n, raise).await, Err("42501".to_owned()));
    let webhook = r#"INSERT INTO webhook_entity ("webhookPath", method, node, "workflowId") VALUES ('x', 'GET', 'n', 'w')"#;
    assert_eq!(ask(&n8n, webhook).await, Err("23514".to_owned()), "a path of nobody's");
    remove(name).await;
    assert!(matches!(server.ensure_shared_schema(&name).await, Err(DatabaseError::NoDatabase(_))));
}

/// What the next release's image would do that brings no migration of its own.
struct NothingNew;

#[async_trait::async_trait]
impl Migrate for NothingNew {
    async fn migrate(&self, target: &MigrationTarget) -> Result<(), MigrationFailed> {
        RealMigrations.migrate(&MigrationTarget { version: VERSION, ..target.clone() }).await
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_release_that_changes_no_table_is_as_good_as_the_one_before_it() {
    let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
    let (server, next) = (databases(), Version::new(2, 41, 2));
    server.ensure_template(next, &NothingNew).await.unwrap();
    server.ensure_role(&name, &password, 9).await.unwrap();
    server.ensure_database(&name, &name, next).await.unwrap();
    server.seed_owner(&name, &owner("ada@example.com")).await.unwrap();
    assert_eq!(server.schema(&name).await.unwrap(), Family::of(VERSION).unwrap());
    remove(name).await;
    // An image that is older than its tag says is found out.
    let older = Version::new(2, 41, 0);
    let refused = server.ensure_template(older, &NothingNew).await.unwrap_err();
    assert!(matches!(&refused, DatabaseError::NotUnderstood(_)), "{refused:?}");
    for template in [next, older].map(template_name) {
        ask(&postgres(), &format!("ALTER DATABASE {template} IS_TEMPLATE false")).await.unwrap();
        ask(&postgres(), &format!("DROP DATABASE {template} WITH (FORCE)")).await.unwrap();
        ask(&postgres(), &format!("DROP ROLE {template}")).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn tables_that_are_not_understood_are_neither_counted_nor_seeded() {
    let (name, password) = tenant().await;
    let later = "INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Later9999999999999')";
    ask(&login(&name, &password), later).await.unwrap();
    let server = databases();
    for refused in [
        server.schema(&name).await.map(drop),
        server.final_state(&name).await.map(drop),
        server.seed_owner(&name, &owner("ada@example.com")).await.map(drop),
    ] {
        assert!(matches!(&refused, Err(DatabaseError::NotUnderstood(_))), "{refused:?}");
    }
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn eight_callers_at_once_make_one_of_each() {
    let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
    databases().ensure_template(VERSION, &RealMigrations).await.unwrap();
    let owner = owner("ada@example.com");
    let all = join_all((0..8).map(|_| async {
        let server = databases();
        server.ensure_role(&name, &password, 9).await?;
        server.ensure_database(&name, &name, VERSION).await?;
        let id = server.seed_owner(&name, &owner).await?;
        // Several, because two that insert in the same moment are told by one unique index or by the other.
        for key in 0..10 {
            let key = ApiKeyRow { label: format!("rp9-{key}"), token: format!("token-{key}").into() };
            server.seed_api_key(&name, &key).await?;
        }
        Ok::<_, DatabaseError>(id)
    }));
    let ids: Vec<_> = all.await.into_iter().map(Result::unwrap).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let owners = ask(&login(&name, &password), r#"SELECT count(*)::text FROM "user""#).await.unwrap();
    assert_eq!(owners.as_deref(), Some("1"));
    join_all((0..8).map(|_| async { databases().remove_database(&name).await.unwrap() })).await;
    join_all((0..8).map(|_| async { databases().remove_role(&name).await.unwrap() })).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn no_two_tenants_share_an_identity() {
    let ((a, _), (b, _)) = (tenant().await, tenant().await);
    let server = databases();
    let vacant =
        ask(&postgres().database(&a.to_string()), r#"SELECT count(*)::text FROM "user""#).await.unwrap();
    assert_eq!(vacant.as_deref(), Some("0"), "a copy that nobody seeded can be claimed by nobody");
    let key = ApiKeyRow { label: "rp9".into(), token: "t".to_owned().into() };
    assert!(matches!(server.seed_api_key(&a, &key).await, Err(DatabaseError::NoOwner(_))));
    let first = server.seed_owner(&a, &owner("ada@example.com")).await.unwrap();
    assert_ne!(first, server.seed_owner(&b, &owner("ada@example.com")).await.unwrap());
    remove(a).await;
    remove(b).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_gets_into_its_own_database_and_no_other() {
    let ((a, password), (b, _)) = (tenant().await, tenant().await);
    let own = login(&a, &password);
    let denied = Err("42501".to_owned());
    for database in [b.to_string(), "postgres".into(), "template1".into(), "rp9".into()] {
        assert_eq!(ask(&own.clone().database(&database), "SELECT 'in'").await, denied, "{database}");
    }
    let template = own.clone().database(&template_name(VERSION));
    assert_eq!(ask(&template, "SELECT 'in'").await, Err("55000".to_owned()));
    let refused = [
        "SELECT rolpassword FROM pg_authid".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        "COPY \"user\" TO PROGRAM 'id'".to_owned(),
        "CREATE ROLE another LOGIN".to_owned(),
        "CREATE DATABASE another".to_owned(),
        format!("ALTER ROLE {b} PASSWORD 'x'"),
        format!("SET ROLE {b}"),
        "SET ROLE rp9_tenants".to_owned(),
        format!("ALTER DATABASE {a} CONNECTION LIMIT 0"),
        format!("GRANT {a} TO {b}"),
    ];
    for statement in refused {
        assert_eq!(ask(&own, &statement).await, denied, "{statement}");
    }
    assert_eq!(ask(&own, &format!("DROP DATABASE {b}")).await, denied);
    // Without an effect rather than refused: it has no right that it could pass on.
    ask(&own, &format!("GRANT CONNECT ON DATABASE {a} TO PUBLIC")).await.unwrap();
    assert_eq!(ask(&own.clone().username(&b.to_string()), "SELECT 'in'").await, Err("28P01".to_owned()));
    let seen = "SELECT string_agg(DISTINCT query, ',') FROM pg_stat_activity WHERE usename <> current_user";
    let seen = ask(&own, seen).await.unwrap().unwrap_or_default();
    assert!(seen.split(',').all(|query| query.is_empty() || query == "<insufficient privilege>"), "{seen}");
    remove(a).await;
    remove(b).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_tenant_can_migrate_its_tables() {
    let (name, password) = tenant().await;
    let own = login(&name, &password);
    let changes = [
        r#"ALTER TABLE "user" ADD COLUMN later text"#,
        "ALTER TABLE workflow_entity ALTER COLUMN name TYPE text",
        "CREATE TABLE later (id serial PRIMARY KEY)",
        "DROP INDEX user_role_idx",
        "CREATE OR REPLACE FUNCTION increment_workflow_version() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "DROP TABLE deployment_key CASCADE",
        "CREATE TEMPORARY TABLE passing (id int)",
    ];
    for change in changes {
        ask(&own, change).await.unwrap_or_else(|code| panic!("{code}: {change}"));
    }
    let foreign = "SELECT count(*)::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'public' AND pg_get_userbyid(c.relowner) <> current_user";
    assert_eq!(ask(&own, foreign).await.unwrap().as_deref(), Some("0"));
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_copy_that_was_left_half_made_is_finished() {
    let (name, password) = (Name::of(TenantId::generate()), account::generate_key().unwrap());
    let server = databases();
    server.ensure_template(VERSION, &RealMigrations).await.unwrap();
    assert!(matches!(server.ensure_database(&name, &name, VERSION).await, Err(DatabaseError::NoRole(_))));
    server.ensure_role(&name, &password, 9).await.unwrap();
    let missing = Version::new(0, 0, 9);
    assert!(matches!(server.ensure_database(&name, &name, missing).await, Err(DatabaseError::NoTemplate(_))));
    // As if the maker had died right after the copy.
    ask(&postgres(), &format!("CREATE DATABASE {name} TEMPLATE {}", template_name(VERSION))).await.unwrap();
    let seen = server.observe().await.unwrap();
    assert!(seen.databases.iter().any(|database| database.name == name && !database.finished));
    server.ensure_database(&name, &name, VERSION).await.unwrap();
    ask(&login(&name, &password), r#"ALTER TABLE "user" ADD COLUMN later text"#).await.unwrap();
    remove(name).await;
}

/// Stands for migrations that fail, and notes how many ran and whether any ran at the same time.
#[derive(Default)]
struct Counting {
    running: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

#[async_trait::async_trait]
impl Migrate for Counting {
    async fn migrate(&self, target: &MigrationTarget) -> Result<(), MigrationFailed> {
        self.most.fetch_max(self.running.fetch_add(1, SeqCst) + 1, SeqCst);
        self.all.fetch_add(1, SeqCst);
        let login = postgres().username(&target.user).password(target.password.expose_secret());
        // Fails if anything is left of an earlier try.
        let made = ask(&login.database(&target.database), "CREATE TABLE half (id int)").await;
        self.running.fetch_sub(1, SeqCst);
        made.map_err(|code| MigrationFailed::because(Failed(code)))?;
        Err(MigrationFailed::because(Failed("interrupted".into())))
    }
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_template_that_was_left_half_made_is_made_anew_and_by_one_at_a_time() {
    let (version, migrations) = (Version::new(0, 0, 1), Counting::default());
    let all =
        join_all((0..8).map(|_| async { databases().ensure_template(version, &migrations).await })).await;
    for outcome in all {
        let error = outcome.unwrap_err();
        assert!(matches!(&error, DatabaseError::Migration(_)), "{error:?}");
        assert_eq!(error.kind(), Kind::Upstream);
        assert!(common::error::chain(&error).ends_with("interrupted"), "{}", common::error::chain(&error));
    }
    assert_eq!((migrations.most.into_inner(), migrations.all.into_inner()), (1, 8));
    let seen = databases().observe().await.unwrap();
    assert!(seen.templates.iter().any(|template| template.version == version && !template.finished));
    let name = template_name(version);
    ask(&postgres(), &format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    ask(&postgres(), &format!("DROP ROLE {name}")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn removal_does_not_wait_for_the_tenants_connections() {
    use sqlx::ConnectOptions as _;
    let (name, password) = tenant().await;
    let mut open = login(&name, &password).connect().await.unwrap();
    databases().remove_database(&name).await.unwrap();
    assert!(sqlx::query("SELECT 1").execute(&mut open).await.is_err());
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_server_that_is_away_is_worth_another_try() {
    let server = n8n::databases::PostgresDatabases::new("postgres://a:b@127.0.0.1:1/c").unwrap();
    assert_eq!(server.observe().await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
#[ignore = "needs servers: deploy/test"]
async fn a_reset_that_has_to_wait_is_given_up_before_whoever_asked_for_it_is_gone() {
    let (name, password) = tenant().await;
    let server = databases();
    server.seed_owner(&name, &owner("ada@example.com")).await.unwrap();
    let before = server.owner_login(&name).await.unwrap();
    let mut n8n = login(&name, &password).connect().await.unwrap();
    let mut holds = n8n.begin().await.unwrap();
    sqlx::query(r#"UPDATE "user" SET "firstName" = 'Ada'"#).execute(&mut *holds).await.unwrap();
    let reset = server.reset_owner(&name, "$2b$10$another", false);
    let refused = tokio::time::timeout(Duration::from_secs(5), reset).await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable, "{refused:?}");
    holds.rollback().await.unwrap();
    assert_eq!(server.owner_login(&name).await.unwrap().password_hash, before.password_hash, "nor later");
    drop(n8n);
    remove(name).await;
}

#[tokio::test]
#[ignore = "needs Postgres: deploy/test"]
async fn every_clone_uses_another_login_from_the_next_call_on() {
    let right = support::variable("TEST_TENANT_DATABASE_ADMIN_URL");
    let wrong = right.replace("//rp9_tenants:rp9@", "//rp9_tenants:hunter2@");
    let server = n8n::databases::PostgresDatabases::new(&wrong).unwrap();
    let clone = server.clone();
    assert!(clone.connections().await.is_err() && !format!("{server:?}").contains("hunter2"));
    assert!(clone.observe().await.is_err(), "on one that is kept");
    server.put_url(&right).unwrap();
    clone.connections().await.unwrap();
    clone.observe().await.unwrap();
}
