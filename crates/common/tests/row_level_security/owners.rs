//! What somebody who acts as an owner sees and can do, whatever they try.

use common::{
    database::{MIGRATOR, TenantScope, as_owner},
    id::TenantId,
};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    support::{INSUFFICIENT_PRIVILEGE, sqlstate, tenant},
    tables::{HIDDEN, SHOWN, Shown},
};

/// Connections that begin as owners' do, for more than one statement at a time.
fn acting(services: &PgPool) -> PgPool {
    PgPool::connect_lazy_with(as_owner(services))
}

/// A statement that forgot its filter: whose are the rows it sees?
fn unfiltered(shown: &Shown) -> String {
    let Shown { table, tenant, .. } = shown;
    format!("select distinct {tenant} from {table} order by 1")
}

/// What it sees when it is given these tenants. They take no part in it, and still say whose rows it sees.
async fn seen_with(connection: &mut PgConnection, shown: &Shown, given: &[TenantId]) -> Vec<Uuid> {
    let statement = sqlx::query_scalar(AssertSqlSafe(unfiltered(shown))).bind(TenantScope::of(given));
    statement.fetch_all(connection).await.unwrap()
}

/// What it sees when it is given nothing. Another text, because it is prepared with other parameters.
async fn seen(connection: &mut PgConnection, shown: &Shown) -> Result<Vec<Uuid>, sqlx::Error> {
    let statement = AssertSqlSafe(format!("{} limit 1000", unfiltered(shown)));
    sqlx::query_scalar(statement).fetch_all(connection).await
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_statement_that_says_nothing_sees_nothing(services: PgPool) {
    tenant(&services).await;
    let mut connection = acting(&services).acquire().await.unwrap();
    for shown in SHOWN {
        assert!(seen(&mut connection, shown).await.unwrap().is_empty(), "{}", shown.table);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_unfiltered_statement_sees_the_rows_of_the_tenants_it_is_given_and_no_others(services: PgPool) {
    let (mine, other, theirs) = (tenant(&services).await, tenant(&services).await, tenant(&services).await);
    let mut connection = acting(&services).acquire().await.unwrap();
    for shown in SHOWN {
        let all = sqlx::query_scalar(AssertSqlSafe(unfiltered(shown))).fetch_all(&services).await;
        let all: Vec<Uuid> = all.unwrap();
        assert_eq!(
            all,
            [mine, other, theirs].map(TenantId::uuid),
            "{}: there is something to see",
            shown.table
        );
        for given in [vec![], vec![TenantId::generate()], vec![mine], vec![mine, other]] {
            let seen = seen_with(&mut connection, shown, &given).await;
            let known = given.iter().filter(|tenant| [mine, other, theirs].contains(tenant));
            assert_eq!(seen, known.map(|tenant| tenant.uuid()).collect::<Vec<_>>(), "{}", shown.table);
        }
    }
    // The next user of the connection begins with nothing.
    assert!(seen(&mut connection, &SHOWN[0]).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_forged_setting_shows_nothing_that_it_does_not_name(services: PgPool) {
    let (mine, _theirs) = (tenant(&services).await, tenant(&services).await);
    let owners = acting(&services);
    let id = mine.uuid();
    let settings = [
        String::new(),
        " ".into(),
        "*".into(),
        "%".into(),
        "null".into(),
        "true".into(),
        "{}".into(),
        "{*}".into(),
        "{NULL}".into(),
        "{\"\"}".into(),
        "{,}".into(),
        mine.to_string(),
        id.to_string(),
        format!("{{{mine}}}"),
        format!("{{{id}"),
        format!("{{{id},}}"),
        format!("{{{id},%}}"),
        format!("{{{id}}}' or true --"),
        format!("{{{id}}}; select 1"),
        format!("[{id}]"),
        format!("[\"{id}\"]"),
        format!("{{NULL,{id}}}"),
        format!("{{{{{id}}},{{{id}}}}}"),
        format!("[2:2]={{{id}}}"),
    ];
    let claims = [
        String::new(),
        "null".into(),
        "{}".into(),
        "[]".into(),
        "true".into(),
        "{".into(),
        "{\"tenant_ids\": null}".into(),
        "{\"tenant_ids\": \"*\"}".into(),
        "{\"tenant_ids\": [null]}".into(),
        "{\"tenant_ids\": [true]}".into(),
        "{\"tenant_ids\": {}}".into(),
        "{\"tenant_ids\": [\"*\"]}".into(),
        format!("{{\"tenant_ids\": \"{mine}\"}}"),
        format!("{{\"tenant_ids\": [[\"{mine}\"]]}}"),
        format!("{{\"tenant_ids\": [\"{mine}\", \"%\"]}}"),
        format!("{{\"tenant_id\": [\"{mine}\"]}}"),
        format!("{{\"user_metadata\": {{\"tenant_ids\": [\"{mine}\"]}}}}"),
        format!("{{\"tenant_ids\": [\"{mine}\"]}}"),
        format!("{{\"tenant_ids\": [\"{id}\"]}}"),
    ];
    let forged = settings.iter().map(|value| ("rp9.tenant_ids", value));
    let mut own = 0;
    for (name, value) in forged.chain(claims.iter().map(|value| ("request.jwt.claims", value))) {
        for shown in SHOWN {
            let mut transaction = common::database::begin(&owners).await.unwrap();
            let set = sqlx::query("select set_config($1, $2, true)").bind(name).bind(value);
            set.execute(&mut *transaction).await.unwrap();
            // Whatever cannot be read is an error.
            let seen = seen(&mut transaction, shown).await.unwrap_or_default();
            assert!(
                seen.iter().all(|tenant| *tenant == id),
                "{name} = {value:?}: {} shows {seen:?}",
                shown.table
            );
            own += seen.len();
        }
    }
    // The honest ones among them are understood: these tests look where something can be seen.
    assert!(own >= 3 * SHOWN.len(), "{own}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_token_that_postgrest_verified_shows_its_tenants_unless_a_setting_says_whose(services: PgPool) {
    let (mine, theirs) = (tenant(&services).await, tenant(&services).await);
    let owners = acting(&services);
    let mut transaction = common::database::begin(&owners).await.unwrap();
    let claims = serde_json::json!({ "role": "authenticated", "tenant_ids": [mine.to_string()] });
    let set = "select set_config('request.jwt.claims', $1, true)";
    sqlx::query(set).bind(claims.to_string()).execute(&mut *transaction).await.unwrap();
    for shown in SHOWN {
        assert_eq!(seen(&mut transaction, shown).await.unwrap(), [mine.uuid()], "{}", shown.table);
    }
    let scoped = sqlx::query_scalar("select id from tenants").bind(TenantScope::of(&[theirs]));
    let ids: Vec<TenantId> = scoped.fetch_all(&mut *transaction).await.unwrap();
    assert_eq!(ids, [theirs]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nothing_is_changed_and_nothing_else_is_read(services: PgPool) {
    let mine = tenant(&services).await;
    let owners = acting(&services);
    let hidden = HIDDEN.iter().map(|(table, _)| (*table, format!("select from {table}")));
    let shown = SHOWN.iter().map(|shown| (shown.table, format!("select * from {}", shown.table)));
    // Of these an owner may see every column.
    let whole = [
        "tenant_limits",
        "events",
        "usage_rollups_monthly",
        "usage_measures_hourly",
        "usage_measures_monthly",
        "side_readings",
    ];
    let reads = hidden.chain(shown.filter(|(table, _)| !whole.contains(table)));
    let tables = HIDDEN.iter().map(|(table, _)| *table).chain(SHOWN.iter().map(|shown| shown.table));
    let writes = tables.flat_map(|table| {
        [
            (table, format!("delete from {table}")),
            (table, format!("truncate {table} cascade")),
            (table, format!("insert into {table} default values")),
            (table, format!("alter table {table} disable row level security")),
            (table, format!("drop policy services on {table}")),
        ]
    });
    let more = [
        "update tenants set name = 'x'",
        "update operations set status = 'queued'",
        "create table more (a int)",
        "select id from tenants for update",
        "call guard_table('tenants')",
        "call show_owners('tenant_secrets', 'tenant_id', '{ciphertext}')",
        "alter role authenticated bypassrls",
        "grant authenticated to anon",
    ];
    let more = more.map(|statement| ("more", statement.to_owned()));
    for (table, statement) in reads.chain(writes).chain(more) {
        let tried = sqlx::query(AssertSqlSafe(statement.clone())).bind(TenantScope::of(&[mine]));
        // A utility statement takes no parameter; the setting is of no help to it either.
        let refused = match tried.execute(&owners).await {
            Err(error) if error.to_string().contains("bind message supplies") => {
                sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&owners).await
            }
            refused => refused,
        };
        assert_eq!(sqlstate(refused), INSUFFICIENT_PRIVILEGE, "{table}: {statement}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn even_with_the_right_to_write_no_foreign_row_is_made_changed_or_removed(services: PgPool) {
    let (mine, theirs) = (tenant(&services).await, tenant(&services).await);
    let granted = "grant select, insert, update, delete on tenants, tenant_limits to authenticated";
    sqlx::raw_sql(granted).execute(&services).await.unwrap();
    let owners = acting(&services);
    let scope = TenantScope::of(&[mine]);
    let foreign = [
        "insert into tenant_limits select tenant_id, 1, 1, 1, 1, 1, 1, 1 from (select $2::uuid as tenant_id) as foreign_one
          where $1::uuid[] is not null",
        "update tenant_limits set tenant_id = $2 where $1::uuid[] is not null",
        "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
         select gen_random_uuid(), 'x', 'x', 'x', 'shared', 'active', 'pro', '1.0.0' where $1::uuid[] is not null and $2 is not null",
    ];
    for statement in foreign {
        let tried = sqlx::query(statement).bind(&scope).bind(theirs).execute(&owners).await;
        assert_eq!(sqlstate(tried), INSUFFICIENT_PRIVILEGE, "{statement}");
    }
    let removed = sqlx::query("delete from tenant_limits").bind(&scope).execute(&owners).await.unwrap();
    assert_eq!(removed.rows_affected(), 1);
    let left: Vec<TenantId> =
        sqlx::query_scalar("select tenant_id from tenant_limits").fetch_all(&services).await.unwrap();
    assert_eq!(left, [theirs]);
}
