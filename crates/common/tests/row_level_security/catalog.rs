//! What the schema says of itself, for every table there is.

use std::collections::BTreeSet;

use common::database::MIGRATOR;
use sqlx::PgPool;

use crate::tables::{HIDDEN, SHOWN};

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn every_table_has_its_place_and_its_guard(services: PgPool) {
    assert_guarded(&services).await;
}

#[sqlx::test(migrations = false)]
#[ignore = "needs Postgres: deploy/test"]
async fn what_supabase_gives_its_roles_is_taken_back(services: PgPool) {
    MIGRATOR.run(&services).await.unwrap();
    // As Supabase prepares a project: its roles are there, and whatever is made in `public` from now on is theirs.
    let supabase = "drop schema public cascade; create schema public;
        grant usage on schema public to anon, authenticated, service_role;
        alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
        alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
        alter default privileges in schema public grant all on functions to anon, authenticated, service_role";
    sqlx::raw_sql(supabase).execute(&services).await.unwrap();
    MIGRATOR.run(&services).await.unwrap();
    assert_guarded(&services).await;
}

async fn assert_guarded(services: &PgPool) {
    assert_eq!(
        tables(services).await,
        known(),
        "a table without a place in tests/row_level_security/tables.rs"
    );
    let open: Vec<String> = names(
        services,
        "select relname::text from pg_class
          where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm', 'f')
            and not (relrowsecurity and relforcerowsecurity)",
    )
    .await;
    assert!(open.is_empty(), "row-level security is not forced on {open:?}");
    views_are_as_they_should_be(services).await;
    policies_are_as_they_should_be(services).await;
    privileges_are_as_they_should_be(services).await;
    the_roles_are_nobody(services).await;
}

/// A view shows what its owner sees, whoever asks: each is known, and read only.
async fn views_are_as_they_should_be(services: &PgPool) {
    let views: Vec<String> = names(
        services,
        "select c.relname || ': ' || coalesce(string_agg(
                    a.grantee::regrole || ' ' || a.privilege_type, ', ' order by a.grantee::regrole::text), 'nobody')
           from pg_class c left join lateral aclexplode(c.relacl) a on a.grantee <> c.relowner
          where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
          group by c.relname order by 1",
    )
    .await;
    let expected = [
        "cluster_sightings: authenticated SELECT, service_role SELECT",
        "operations_overview: service_role SELECT",
        "sandbox_sightings: authenticated SELECT, service_role SELECT",
        "shared_n8n_sightings: authenticated SELECT, service_role SELECT",
        "tenant_costs_monthly: service_role SELECT",
    ];
    assert_eq!(views, expected);
}

fn known() -> BTreeSet<String> {
    let shown = SHOWN.iter().map(|shown| shown.table);
    let hidden = HIDDEN.iter().map(|(table, why)| {
        assert!(!why.is_empty(), "{table}");
        *table
    });
    shown.chain(hidden).map(str::to_owned).collect()
}

async fn tables(services: &PgPool) -> BTreeSet<String> {
    let all = "select relname::text from pg_class
                where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm', 'f')";
    names(services, all).await.into_iter().collect()
}

async fn names(services: &PgPool, question: &'static str) -> Vec<String> {
    sqlx::query_scalar(question).fetch_all(services).await.unwrap()
}

/// Services do everything by a policy of their own; staff look; owners have one policy where they see something and none
/// elsewhere; nobody else has any.
async fn policies_are_as_they_should_be(services: &PgPool) {
    type Policy = (String, String, String, String, Option<String>, Option<String>);
    let policies: Vec<Policy> = sqlx::query_as(
        "select tablename::text, policyname::text, array_to_string(roles, ','), cmd, qual, with_check
           from pg_policies where schemaname = 'public' and permissive = 'PERMISSIVE' order by 1, 2",
    )
    .fetch_all(services)
    .await
    .unwrap();
    let owner: String = sqlx::query_scalar("select current_user::text").fetch_one(services).await.unwrap();
    let everything = || Some("true".to_owned());
    let mut expected = Vec::new();
    for table in known() {
        expected.push((
            table.clone(),
            "services".into(),
            owner.clone(),
            "ALL".into(),
            everything(),
            everything(),
        ));
        expected.push((table, "staff".into(), "service_role".into(), "SELECT".into(), everything(), None));
    }
    let (owners, others): (Vec<Policy>, Vec<Policy>) =
        policies.into_iter().partition(|(_, policy, ..)| policy == "owners");
    assert_eq!(others, expected);

    assert_eq!(owners.len(), SHOWN.len());
    for (table, _, role, command, visible, writable) in owners {
        let shown = SHOWN.iter().find(|shown| shown.table == table);
        let shown = shown.unwrap_or_else(|| panic!("owners see {table}"));
        assert_eq!((role.as_str(), command.as_str()), ("authenticated", "ALL"), "{table}");
        assert_eq!(visible, writable, "{table}: what may be written is what may be seen");
        let condition = visible.unwrap();
        assert!(
            condition.contains("ANY (( SELECT visible_tenants()"),
            "{table}: once a statement: {condition}"
        );
        assert!(
            condition.contains(shown.tenant.rsplit('.').next().unwrap().split(' ').next().unwrap()),
            "{condition}"
        );
    }
}

/// Owners may select what they are shown and nothing else, staff select everything, `anon` nothing; none of them writes.
async fn privileges_are_as_they_should_be(services: &PgPool) {
    for shown in SHOWN {
        let columns: Option<String> = sqlx::query_scalar(
            "select string_agg(attname, ', ' order by attname) from pg_attribute
              where attrelid = $1::regclass and attnum > 0 and not attisdropped
                and has_column_privilege('authenticated', attrelid, attnum, 'select')",
        )
        .bind(shown.table)
        .fetch_one(services)
        .await
        .unwrap();
        assert_eq!(columns.as_deref(), Some(shown.columns), "{}", shown.table);
    }
    let too_much = "
        with tables as (
            select oid, relname, relkind from pg_class where relnamespace = 'public'::regnamespace
        ), roles as (
            select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')
        )
        select rolname || ' may ' || privilege || ' on ' || relname
          from tables, roles, unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
         where relkind in ('r', 'p', 'v', 'm') and has_table_privilege(rolname, oid, privilege)
        union all
        select rolname || ' may ' || privilege || ' on a column of ' || relname
          from tables, roles, unnest(array['insert', 'update', 'references']) as privilege
         where relkind in ('r', 'p', 'v', 'm') and has_any_column_privilege(rolname, oid, privilege)
        union all
        select rolname || ' may select from ' || relname
          from tables, roles
         where relkind in ('r', 'p', 'm') and has_any_column_privilege(rolname, oid, 'select')
           and (rolname = 'anon' or rolname = 'authenticated' and not relname = any ($1))
        union all
        select rolname || ' may use the sequence ' || relname
          from tables, roles, unnest(array['usage', 'select', 'update']) as privilege
         where relkind = 'S' and has_sequence_privilege(rolname, oid, privilege)
        union all
        select 'service_role may not see ' || relname
          from tables where relkind in ('r', 'p', 'v', 'm') and not has_table_privilege('service_role', oid, 'select')
        union all
        select rolname || ' may create in the schema'
          from roles where has_schema_privilege(rolname, 'public', 'create')";
    let shown: Vec<&str> = SHOWN.iter().map(|shown| shown.table).collect();
    let too_much: Vec<String> = sqlx::query_scalar(too_much).bind(&shown).fetch_all(services).await.unwrap();
    assert!(too_much.is_empty(), "{too_much:#?}");
}

/// They own nothing, are members of nothing, and are let past no rule.
async fn the_roles_are_nobody(services: &PgPool) {
    let more = names(
        services,
        "select rolname::text from pg_roles
          where rolname in ('anon', 'authenticated', 'service_role')
            and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin
                 or exists (select from pg_shdepend where refclassid = 'pg_authid'::regclass
                               and refobjid = pg_roles.oid and deptype = 'o')
                 or exists (select from pg_auth_members where member = pg_roles.oid))",
    )
    .await;
    assert!(more.is_empty(), "more than roles without any right: {more:?}");
}
