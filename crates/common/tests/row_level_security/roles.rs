//! Servers as they are found: roles that are there, roles that may not be made, services that are no superusers.

use common::{
    database::{MIGRATOR, TenantScope, owners},
    id::TenantId,
};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    support::{INSUFFICIENT_PRIVILEGE, sqlstate, tenant},
    tables::SHOWN,
};

/// A role that owns the test's database and may do nothing else on the server, as the deployment's `rp9`.
struct OrdinaryOwner {
    administrator: PgPool,
    name: String,
    pool: PgPool,
}

impl OrdinaryOwner {
    async fn of(administrator: PgPool) -> Self {
        let name = format!("rls_{}", TenantId::generate().digits());
        let database = administrator.connect_options().get_database().unwrap().to_owned();
        let made = format!(
            "create role {name} login password '{name}'; alter database \"{database}\" owner to {name}"
        );
        sqlx::raw_sql(AssertSqlSafe(made)).execute(&administrator).await.unwrap();
        let options: PgConnectOptions = (*administrator.connect_options()).clone();
        let pool = PgPoolOptions::new()
            .max_connections(3)
            .connect_lazy_with(options.username(&name).password(&name));
        Self { administrator, name, pool }
    }

    async fn administrator_runs(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.replace("{owner}", &self.name));
        sqlx::raw_sql(statement).execute(&self.administrator).await.unwrap();
    }

    async fn gone(self) {
        self.pool.close().await;
        let database = self.administrator.connect_options().get_database().unwrap().to_owned();
        let forget = format!(
            "alter database \"{database}\" owner to postgres; reassign owned by {{owner}} to postgres;
             drop owned by {{owner}}; drop role {{owner}}"
        );
        self.administrator_runs(&forget).await;
    }
}

#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn an_owner_who_may_make_no_roles_needs_to_be_let_act_as_one_and_is_told_so(administrator: PgPool) {
    // The three are there from now on, whichever test is the first.
    MIGRATOR.run(&administrator).await.unwrap();
    sqlx::raw_sql("drop schema public cascade; create schema public; grant all on schema public to public")
        .execute(&administrator)
        .await
        .unwrap();

    let owner = OrdinaryOwner::of(administrator).await;
    let refused = common::database::migrate(&owner.pool).await.unwrap_err();
    let told = common::error::chain(&refused).to_string();
    assert!(told.contains("may not act as authenticated"), "{told}");
    assert!(told.contains(&format!("grant authenticated to {}", owner.name)), "{told}");
    let applied: i64 =
        sqlx::query_scalar("select max(version) from _sqlx_migrations").fetch_one(&owner.pool).await.unwrap();
    assert_eq!(applied, 8, "nothing of it is there");

    owner.administrator_runs("grant authenticated to {owner}").await;
    common::database::migrate(&owner.pool).await.unwrap();
    services_do_everything_and_owners_see_their_own(&owner).await;
    owner.gone().await;
}

async fn services_do_everything_and_owners_see_their_own(owner: &OrdinaryOwner) {
    let services = &owner.pool;
    let (mine, _theirs) = (tenant(services).await, tenant(services).await);
    let count = "select count(*) from tenants";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(services).await.unwrap(), 2);
    // By a trigger, for each tenant: it came, its operation was accepted, its step was started, a domain was claimed.
    let told: i64 =
        sqlx::query_scalar("select count(*) from event_outbox").fetch_one(services).await.unwrap();
    assert_eq!(told, 8);
    let removed = sqlx::query("delete from tenant_secrets").execute(services).await.unwrap();
    assert_eq!(removed.rows_affected(), 2);

    let owners = owners(services);
    for shown in SHOWN {
        let statement = AssertSqlSafe(format!("select distinct {} from {}", shown.tenant, shown.table));
        let seen: Vec<TenantId> =
            sqlx::query_scalar(statement).bind(TenantScope::of(&[mine])).fetch_all(&owners).await.unwrap();
        assert_eq!(seen, [mine], "{}", shown.table);
    }

    // A dump as the owner has to say that it is content with what it is shown.
    let mut connection = services.acquire().await.unwrap();
    sqlx::raw_sql("set row_security = off").execute(&mut *connection).await.unwrap();
    assert_eq!(sqlstate(sqlx::query(count).execute(&mut *connection).await), INSUFFICIENT_PRIVILEGE);
    connection.close().await.unwrap();

    // It is the policy that lets the services through, and nothing else.
    owner.administrator_runs("drop policy services on tenants").await;
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(services).await.unwrap(), 0);
}

#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn a_role_that_sees_everything_is_not_taken_for_an_owner(administrator: PgPool) {
    MIGRATOR.run(&administrator).await.unwrap();
    // Roles belong to the whole server, so what is tried here is undone before others can see it.
    let mut transaction = common::database::begin(&administrator).await.unwrap();
    let powerful = "alter role authenticated bypassrls; drop schema public cascade; create schema public";
    sqlx::raw_sql(powerful).execute(&mut *transaction).await.unwrap();
    let migrations = MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration());
    sqlx::raw_sql("create table _sqlx_migrations (version bigint)").execute(&mut *transaction).await.unwrap();
    let mut refused = None;
    for migration in migrations {
        if let Err(error) = sqlx::raw_sql(migration.sql.clone()).execute(&mut *transaction).await {
            refused = Some((migration.version, error.to_string()));
            break;
        }
    }
    let (version, told) = refused.expect("it is refused");
    assert_eq!(version, 9);
    assert!(told.contains("a role that sees everything cannot stand for an owner"), "{told}");
    transaction.rollback().await.unwrap();
}
