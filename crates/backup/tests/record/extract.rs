//! What a backup has, and one thing out of it.

use backup::{
    Damage,
    extract::{NoExtract, contents, extract},
};
use common::{database::MIGRATOR, id::BackupId};
use sqlx::PgPool;
use wire::{AskExtract, Extracted};

use crate::{
    damaged::WAYS,
    support::{Fakes, WORKFLOWS},
};

fn ask(backup: BackupId, what: Extracted, id: &str) -> AskExtract {
    AskExtract { backup, cluster: None, what, id: id.to_owned() }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_there_is_is_told_and_one_of_it_taken_out(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (world, (member, _)) = (fakes.world("asked"), fakes.member().await);
    for tenant in [fakes.tenant("customer").await, member] {
        let backup = fakes.backup(tenant).await;
        let there = contents(&pool, &world, backup).await.unwrap();
        let workflows = there.workflows.unwrap();
        assert_eq!((workflows.kept.len() as u64, workflows.truncated), (WORKFLOWS, false));
        assert_eq!((workflows.kept[0].id.as_str(), workflows.kept[0].active), ("id-1", true));
        let json = extract(&pool, &world, &ask(backup, Extracted::Workflow, "id-3")).await.unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["name"], "Number 3");
        let absent = extract(&pool, &world, &ask(backup, Extracted::Workflow, "id-33")).await;
        assert!(matches!(absent, Err(NoExtract::Absent("workflow"))), "{absent:?}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn only_one_that_was_read_back_is_taken_from(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (world, tenant) = (fakes.world("asked"), fakes.tenant("customer").await);
    let backup = fakes.backup(tenant).await;
    for status in ["written", "removing", "failed"] {
        fakes.set("update backups set status = 'verified' where id = $1", backup).await;
        assert!(contents(&pool, &world, backup).await.is_ok());
        let change = sqlx::query("update backups set status = $2, failed_at = now() where id = $1");
        change.bind(backup).bind(status).execute(&pool).await.unwrap();
        let told = contents(&pool, &world, backup).await;
        assert!(matches!(told, Err(NoExtract::NoBackup)), "{status}: {told:?}");
    }
    assert!(matches!(contents(&pool, &world, BackupId::generate()).await, Err(NoExtract::NoBackup)));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nothing_is_handed_out_of_what_is_damaged(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (name, (way, damage)) in
        ["manifest.json", "workflows.json.zst.age"].into_iter().flat_map(|name| WAYS.map(|way| (name, way)))
    {
        let fakes = base.anew().await;
        let tenant = fakes.tenant("customer").await;
        let (backup, other) = (fakes.backup(tenant).await, fakes.backup(tenant).await);
        let of =
            |backup| fakes.objects_of(tenant, backup).into_iter().find(|key| key.name() == name).unwrap();
        damage(&fakes.objects, &of(backup), &of(other));
        let told = extract(&pool, &fakes.world("asked"), &ask(backup, Extracted::Workflow, "id-1")).await;
        let lasts = matches!(&told, Err(NoExtract::Damage(damage)) if Damage::lasts(damage));
        assert!(lasts, "{name}: {way}: {told:?}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_store_that_is_away_says_nothing_of_the_backup(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let backup = fakes.backup(tenant).await;
    fakes.objects.set_away(true);
    let told = contents(&pool, &fakes.world("asked"), backup).await;
    assert!(matches!(&told, Err(NoExtract::Damage(damage)) if !damage.lasts()), "{told:?}");
    fakes.objects.set_away(false);
    assert!(contents(&pool, &fakes.world("asked"), backup).await.is_ok());
}
