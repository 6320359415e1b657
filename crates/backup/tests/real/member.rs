//! One of those who share an n8n: backed up from its real tables, read back from a real store, and loaded by a person into another n8n.

use std::sync::Arc;

use backup::{LoadTenant, MakeBackup, World};
use common::{
    database::MIGRATOR,
    id::{BackupId, TenantId},
    operations::End,
};
use n8n::{
    credentials::Credential,
    databases::{Name, TenantDatabases as _},
};
use objects::Objects as _;
use sqlx::PgPool;
use testkit::saga::{Rig, Stores};
use wire::kinds::TenantLoad;

use crate::{
    by_hand, copies,
    n8n_support::{RealMigrations, VERSION},
    store,
    support::{Fakes, manual},
    tenant::{databases, login, psql},
};

/// What OpenSSL makes of JSON with the key that [`Fakes`] gives each n8n.
const SEALED: &str =
    "U2FsdGVkX18BAgMEBQYHCId9h9Gh4LC2JTFD+COmBdxwgV+EtDBtFnCwtFvbukgpCGteQRWVSfO7oBCGq8PJqw==";

/// An n8n's tables, and nothing in them.
async fn empty(tenant: TenantId) -> String {
    let (name, _) = (Name::of(tenant), login(tenant).await);
    databases().ensure_template(VERSION, &RealMigrations).await.unwrap();
    databases().ensure_database(&name, &name, VERSION).await.unwrap();
    name.to_string()
}

/// Somebody in it, with what is there of them named after their project.
fn fill(database: &str, user: &str, project: &str, sealed: &str) {
    psql(
        database,
        &format!(
            r#"INSERT INTO "user" (id, email, "roleSlug") VALUES ('{user}', '{project}@tenants.invalid', 'global:member');
               INSERT INTO project (id, name, type, "creatorId") VALUES ('{project}', 'My workspace', 'personal', '{user}');
               INSERT INTO project_relation ("projectId", "userId", role) VALUES ('{project}', '{user}', 'project:personalOwner');
               INSERT INTO workflow_entity (id, name, active, nodes, connections, "versionId")
               SELECT '{project}' || i, E'It''s "; DROP TABLE x; --\n\\.\n', false, '["\u0000"]', '{{}}', gen_random_uuid() FROM generate_series(1, 300) i;
               INSERT INTO shared_workflow ("workflowId", "projectId", role) SELECT id, '{project}', 'workflow:owner' FROM workflow_entity WHERE id LIKE '{project}%';
               INSERT INTO credentials_entity (id, name, type, data) VALUES ('{project}', 'c', 't', '{sealed}');
               INSERT INTO shared_credentials ("credentialsId", "projectId", role) VALUES ('{project}', '{project}', 'credential:owner');
               INSERT INTO execution_entity ("workflowId", mode, status, finished, "createdAt", "startedAt")
               SELECT '{project}1', 'webhook', 'success', true, now(), now() FROM generate_series(1, 1000);
               INSERT INTO execution_data ("executionId", "workflowData", data) SELECT id, '{{}}', repeat(md5(id::text), 100) FROM execution_entity WHERE "workflowId" = '{project}1'"#
        ),
    );
}

/// A digest over every row of every table.
fn digest(database: &str) -> String {
    psql(
        database,
        "SELECT md5(string_agg(query_to_xml(format('SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) AS d FROM public.%I t', relname), false, true, '')::text, ' ' ORDER BY relname))
           FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres and an S3 store: deploy/test"]
async fn one_of_those_who_share_an_n8n_is_backed_up_alone_and_loaded_by_hand(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (store, copies, stores) = (store(), copies(), Stores::new(&pool));
    store.ensure_bucket().await.unwrap();
    let world = |_: &str| World {
        objects: Arc::new(store.clone()),
        copies: Arc::new(copies.clone()),
        ..fakes.world("real")
    };
    let (member, instance) = fakes.member().await;
    let database = empty(instance).await;
    let (project, user): (String, String) =
        sqlx::query_as("select shared_project, shared_user::text from tenants where id = $1")
            .bind(member)
            .fetch_one(&pool)
            .await
            .unwrap();
    fill(&database, &user, &project, SEALED);
    fill(&database, "00000000-0000-4000-8000-000000000001", "aNeighbour", SEALED);
    let before = digest(&database);

    let request = manual();
    fakes.ask(member, &request).await;
    let rig = Rig { saga: &MakeBackup, stores: &stores, world: &world, effects: &|_| 0 };
    assert_eq!(rig.to_the_end().await, End::Succeeded);
    assert_eq!(fakes.status(request.backup).await, "verified");
    assert_eq!(digest(&database), before, "nobody's rows are others");

    let elsewhere = fakes.tenant("customer").await;
    let loaded = empty(elsewhere).await;
    let key = by_hand::opens_part(&store, &fakes.recovery, (member, request.backup), &loaded).await;
    let counts = r#"SELECT concat_ws(' ', (SELECT count(*) FROM workflow_entity), (SELECT count(*) FROM execution_data), (SELECT count(*) FROM project), (SELECT count(*) FROM "user"))"#;
    assert_eq!(psql(&loaded, counts), "300 1000 1 1");
    let digest = |database: &str| {
        psql(
            database,
            &format!(
                r#"SELECT md5(string_agg(concat(id, name, nodes), '' ORDER BY id)) FROM workflow_entity WHERE id LIKE '{project}%'"#
            ),
        )
    };
    assert_eq!(digest(&loaded), digest(&database));
    let data = psql(&loaded, "SELECT data FROM credentials_entity");
    let credential = Credential { id: "c".into(), name: "c".into(), data };
    assert!(credential.opens_with(&key) && !credential.opens_with(&"n8n's own key".into()));
    into_an_n8n_of_its_own(&fakes, &stores, &world, (request.backup, project.as_str())).await;
    for tenant in [instance, elsewhere] {
        databases().remove_database(&Name::of(tenant)).await.unwrap();
        databases().remove_role(&Name::of(tenant)).await.unwrap();
    }
}

/// What one had in a shared n8n is an n8n of their own.
async fn into_an_n8n_of_its_own(
    fakes: &Fakes,
    stores: &Stores,
    world: &(dyn Fn(&str) -> World + Sync),
    (backup, project): (BackupId, &str),
) {
    let sandbox = fakes.tenant("customer").await;
    let (name, _) = (Name::of(sandbox), login(sandbox).await);
    fakes.ask(sandbox, &TenantLoad { backup, executions: true, beside: false }).await;
    let rig = Rig { saga: &LoadTenant, stores, world, effects: &|_| 0 };
    assert_eq!(rig.to_the_end().await, End::Succeeded);
    let there = r#"SELECT concat_ws(' ', (SELECT count(*) FROM workflow_entity), (SELECT count(*) FROM execution_data), (SELECT count(*) FROM workflow_entity WHERE active),
                  (SELECT concat("roleSlug", ' ', email) FROM "user"), (SELECT value FROM settings WHERE key = 'userManagement.isInstanceOwnerSetUp'))"#;
    let expected = format!("300 1000 0 global:owner {}@tenants.invalid true", project.to_lowercase());
    assert_eq!(psql(&name.to_string(), there).to_lowercase(), expected.to_lowercase());
    databases().remove_database(&name).await.unwrap();
    databases().remove_role(&name).await.unwrap();
}
