//! Tenants that share an n8n: a part of a database, under a key of its own.

use std::sync::Arc;

use backup::{
    LoadTenant, MakeBackup,
    nightly::Nightly,
    shown::{Shown, Watching},
};
use common::{database::MIGRATOR, id::TenantId, operations::End, service::Round as _};
use n8n::{databases::Name, members::ProjectId};
use objects::{Objects as _, seal::open_text};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use tokio::io::AsyncReadExt as _;
use wire::kinds::TenantLoad;

use crate::support::{Fakes, WORKFLOWS, manual};

/// An object of a set, as it is stored.
async fn stored(fakes: &Fakes, tenant: TenantId, backup: common::id::BackupId, name: &str) -> Vec<u8> {
    let objects = fakes.objects_of(tenant, backup);
    let key = objects.iter().find(|key| key.name() == name).unwrap();
    let mut bytes = Vec::new();
    fakes.objects.actor("reader").get(key).await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_key_that_opens_everybodys_is_in_nobodys_set(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (member, _) = fakes.member().await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let backup = fakes.backup(member).await;
        let manifest: serde_json::Value =
            serde_json::from_slice(&stored(&fakes, member, backup, "manifest.json").await).unwrap();
        assert_eq!(manifest["rows"], serde_json::json!({ "workflow_entity": WORKFLOWS }));
        assert_eq!(manifest["n8n_version"], "2.41.1", "of the n8n that it is in");
        let omitted = manifest["not_included"].as_array().unwrap();
        assert!(omitted.iter().any(|omitted| omitted["what"] == "instance"), "{omitted:?}");
        let tenant_key = stored(&fakes, member, backup, "tenant-key.age").await;
        let tenant_key = open_text(&tenant_key, &fakes.recovery).unwrap();
        let tenant_key = objects::seal::SealKey::read(&tenant_key).unwrap();
        let own =
            open_text(&stored(&fakes, member, backup, "encryption-key.age").await, &tenant_key).unwrap();
        assert_ne!(own.expose_secret(), "n8n's own key");
        keys.push(own.expose_secret().to_owned());
    }
    assert_ne!(keys[0], keys[1], "each set has its own");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_breaks_off_is_begun_again_and_a_part_is_loaded_as_an_n8n_of_its_own(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (member, sandbox) = (fakes.member().await.0, fakes.tenant("shared").await);
    fakes.copies.fail_dumps(1);
    let backup = fakes.backup(member).await;
    fakes.copies.put(Name::of(sandbox), 3);
    fakes.ask(sandbox, &TenantLoad { backup, executions: true, beside: false }).await;
    assert_eq!(fakes.run(&LoadTenant).await, End::Succeeded);
    assert_eq!(fakes.copies.rows(Name::of(sandbox)).unwrap()["workflow_entity"], WORKFLOWS);
    assert_eq!(fakes.status(backup).await, "verified", "it is proven once n8n ran on it");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_script_that_lacks_rows_is_no_backup(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (member, instance) = fakes.member().await;
    let project: String = sqlx::query_scalar("select shared_project from tenants where id = $1")
        .bind(member)
        .fetch_one(&pool)
        .await
        .unwrap();
    let project: ProjectId = project.parse().unwrap();
    fakes.copies.lose_rows_of_members(1);
    let request = manual();
    fakes.ask(member, &request).await;
    assert_eq!(fakes.run(&MakeBackup).await, End::RolledBack);
    assert_eq!(fakes.status(request.backup).await, "failed");
    let failure: String = sqlx::query_scalar("select failure from backups where id = $1")
        .bind(request.backup)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(failure.contains("damaged") || failure.contains("workflow_entity"), "{failure}");
    // One that lost its project has nothing that could be called good.
    fakes.copies.lose_member(Name::of(instance), &project);
    let request = manual();
    fakes.ask(member, &request).await;
    assert_eq!(fakes.run(&MakeBackup).await, End::RolledBack);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn they_have_nights_and_are_watched_unless_somebody_else_runs_their_n8n(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (member, instance) = fakes.member().await;
    let mut round = Nightly::new(pool.clone(), "fake".parse().unwrap());
    let nights = async || {
        let count = "select count(*) from schedules where service = 'backup' and retired_at is null";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap()
    };
    let of_member = format!("rp9_backup_age_seconds{{tenant=\"{member}\"}}");
    let shown = async || shown_text(&pool, &fakes).await.contains(&of_member);
    assert!(shown().await);
    // Who was there before members had nights is not late for that.
    let old = "update tenants set created_at = now() - interval '30 days'";
    sqlx::query(old).execute(&pool).await.unwrap();
    fakes.let_somebody_else_run(instance).await;
    round.run().await.unwrap();
    assert_eq!((nights().await, shown().await), (0, false));
    let request = manual();
    fakes.ask(member, &request).await;
    assert_eq!(fakes.run(&MakeBackup).await, End::RolledBack);
    sqlx::query("delete from external_n8ns").execute(&pool).await.unwrap();
    round.run().await.unwrap();
    assert_eq!(nights().await, 3);
    let text = shown_text(&pool, &fakes).await;
    let age = text
        .lines()
        .find(|line| line.starts_with("rp9_backup_age_seconds{") && line.contains(&member.to_string()));
    let age: f64 = age.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(age < 3600.0, "{age}");
}

/// What Prometheus reads.
async fn shown_text(pool: &PgPool, fakes: &Fakes) -> String {
    let shown = Shown::default();
    Watching::new(pool.clone(), Arc::new(fakes.world("watching")), shown.clone()).run().await.unwrap();
    shown.render()
}
