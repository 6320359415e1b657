//! Other logins to the record and the bus, while they are used.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends here")]

mod support;

use std::time::Duration;

use common::{
    bus::{Bus, BusConfig},
    config::{Env, Section},
    database::{self, DatabaseConfig, Login, MIGRATOR, Statements, owners},
    service::Tasks,
};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool, postgres::PgConnectOptions};
use support::{door::Door, eventually};
use tokio::time::timeout;

/// A role that owns the record, and two logins that act as it, as docs/secrets.md makes them; of one's own, because roles are the server's.
struct Roles {
    superuser: PgPool,
    owner: String,
}

impl Roles {
    async fn make(superuser: PgPool) -> Self {
        let owner = format!("rp9_{}", uuid::Uuid::now_v7().simple());
        let roles = Self { superuser, owner };
        let Self { owner, .. } = &roles;
        roles
            .run(&format!(
                "create role {owner} nologin;
                 create role {owner}_a login password 'first' in role {owner}; alter role {owner}_a set role = '{owner}';
                 create role {owner}_b login in role {owner}; alter role {owner}_b set role = '{owner}';
                 create table owned (number int); alter table owned owner to {owner};
                 alter table owned enable row level security; alter table owned force row level security;
                 create policy services on owned to {owner} using (true) with check (true)"
            ))
            .await;
        roles
    }

    async fn run(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&self.superuser).await.unwrap();
    }

    fn login(&self, which: &str, password: &str) -> DatabaseConfig {
        self.login_of(which, password, "4")
    }

    fn login_of(&self, which: &str, password: &str, connections: &str) -> DatabaseConfig {
        let options: PgConnectOptions = (*self.superuser.connect_options()).clone();
        let url = options.username(&format!("{}{which}", self.owner)).password(password).to_url_lossy();
        Env::of([("DATABASE_URL", url.as_str()), ("DATABASE_CONNECTIONS", connections)]).load().unwrap()
    }

    async fn remove(self) {
        let Self { owner, .. } = &self;
        self.run(&format!("drop table owned; drop role {owner}_a; drop role {owner}_b; drop role {owner}"))
            .await;
    }
}

async fn add_one(pool: &PgPool, statements: &Statements) {
    let insert = "insert into owned values (1)";
    sqlx::query(insert).execute(statements).await.unwrap();
    let mut transaction = database::begin(pool).await.unwrap();
    sqlx::query(insert).execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn is_answered<'c>(by: impl sqlx::Executor<'c, Database = sqlx::Postgres>) -> bool {
    sqlx::query("select 1").execute(by).await.is_ok()
}

/// Each of the connections a pool may have, all of them taken at once.
async fn all_answer(pool: &PgPool) -> bool {
    let most = pool.options().get_max_connections();
    let mut taken = Vec::new();
    for _ in 0..most {
        taken.push(pool.acquire().await.unwrap());
    }
    let mut answer = true;
    for connection in &mut taken {
        answer &= is_answered(&mut **connection).await;
    }
    answer
}

async fn user(statements: &Statements) -> String {
    sqlx::query_scalar("select session_user::text || ' as ' || current_user")
        .fetch_one(statements)
        .await
        .unwrap()
}

fn open(config: &DatabaseConfig) -> (PgPool, Login, Statements) {
    let (pool, login) = database::open(config, "logins").unwrap();
    let statements = Statements::beside(&pool);
    (pool, login, statements)
}

#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn a_service_changes_its_login_while_it_works(superuser: PgPool) {
    let roles = Roles::make(superuser).await;
    let (pool, login, statements) = open(&roles.login("_a", "first"));
    assert_eq!(user(&statements).await, format!("{0}_a as {0}", roles.owner));
    let working = async {
        for _ in 0..200 {
            add_one(&pool, &statements).await;
        }
    };
    let changing = async {
        roles.run(&format!("alter role {}_b password 'second'", roles.owner)).await;
        login.put(&roles.login("_b", "second"));
    };
    tokio::join!(working, changing);
    roles.run(&format!("alter role {}_a password null", roles.owner)).await;
    let ended = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{}_a'",
        roles.owner
    );
    roles.run(&ended).await;
    // What was open is found to be gone by what fails on it.
    eventually(async || is_answered(&statements).await && is_answered(&pool).await).await;
    eventually(async || all_answer(&pool).await).await;
    add_one(&pool, &statements).await;
    assert_eq!(user(&statements).await, format!("{0}_b as {0}", roles.owner));
    let count: i64 = sqlx::query_scalar("select count(*) from owned").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 402);
    pool.close().await;
    roles.remove().await;
}

#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn a_password_that_changes_under_a_service_is_used_once_it_is_known(superuser: PgPool) {
    let roles = Roles::make(superuser).await;
    // Of several another one may be opened while the first is on its way back.
    let (pool, login, statements) = open(&roles.login_of("_a", "first", "1"));
    add_one(&pool, &statements).await;
    roles.run(&format!("alter role {}_a password 'second'", roles.owner)).await;
    // What is open stays, what is new is refused.
    add_one(&pool, &statements).await;
    let refused = sqlx::query("select 1").execute(&Statements::beside(&pool)).await.unwrap_err();
    assert!(refused.to_string().contains("password authentication failed"), "{refused}");
    assert!(!format!("{pool:?} {login:?} {statements:?}").contains("first"));
    login.put(&roles.login_of("_a", "second", "1"));
    sqlx::query("select 1").execute(&Statements::beside(&pool)).await.unwrap();
    pool.close().await;
    roles.remove().await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn owners_connections_take_the_other_login_too(superuser: PgPool) {
    let options = (*superuser.connect_options()).clone();
    let config = |name: &str| -> DatabaseConfig {
        let url = options.clone().username(name).to_url_lossy();
        Env::of([("DATABASE_URL", url.as_str())]).load().unwrap()
    };
    let (pool, login, _) = open(&config("nobody-of-this-name"));
    let owners = owners(&pool);
    assert!(sqlx::query("select 1").execute(&owners).await.is_err());
    login.put(&config(options.get_username()));
    let role: String = sqlx::query_scalar("select current_user::text").fetch_one(&owners).await.unwrap();
    assert_eq!(role, "authenticated");
    pool.close().await;
}

struct Url(String);

impl Section for Url {
    fn read(env: &mut Env) -> Option<Self> {
        env.required("TEST_NATS_USERS_URL").map(Self)
    }
}

#[tokio::test]
#[ignore = "needs NATS: deploy/test"]
async fn whoever_comes_back_to_the_bus_shows_the_password_of_then() {
    let (tasks, Url(url)) = (Tasks::default(), Env::of_process().load().unwrap());
    let door = Door::before(&url, &tasks).await;
    let login = |password: &str| -> BusConfig {
        let variables =
            [("NATS_URL", door.url.as_str()), ("NATS_USER", "gateway"), ("NATS_PASSWORD", password)];
        Env::of(variables).load().unwrap()
    };
    let bus = Bus::connect(&login("@NATS_GATEWAY@"), "logins").await.unwrap();
    eventually(async || bus.is_connected()).await;
    // The server keeps its own; so this one is wrong, and is not looked at before the connection ends.
    bus.put_password(login("hunter2"));
    assert!(bus.is_connected() && !format!("{bus:?}").contains("hunter2"));
    door.set_open(false);
    eventually(async || !bus.is_connected()).await;
    door.set_open(true);
    let back = timeout(Duration::from_secs(2), eventually(async || bus.is_connected())).await;
    assert!(back.is_err(), "it is let in by a wrong password");
    bus.put_password(login("@NATS_GATEWAY@"));
    eventually(async || bus.is_connected()).await;
    tasks.finish(Duration::from_secs(5)).await.unwrap();
}
