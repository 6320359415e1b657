//! A set that is not what was written is noticed before anything is touched, and a copy that failed is never taken for one.

use backup::{LoadTenant, MakeBackup};
use common::{database::MIGRATOR, operations::End};
use n8n::databases::Name;
use objects::{Key, fake::FakeObjects};
use sqlx::PgPool;
use wire::kinds::TenantLoad;

use crate::support::{Fakes, manual};

pub type Change = fn(&FakeObjects, &Key, &Key);

/// Ways to be other than what was written; the second key is that of another backup's same object.
pub const WAYS: [(&str, Change); 7] = [
    ("a bit is another", |objects, key, _| {
        objects.damage(key, |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            Some(bytes)
        });
    }),
    ("its last byte is missing", |objects, key, _| {
        objects.damage(key, |mut bytes| {
            bytes.pop();
            Some(bytes)
        });
    }),
    ("it is empty", |objects, key, _| objects.damage(key, |_| Some(Vec::new()))),
    ("there is more", |objects, key, _| objects.damage(key, |bytes| Some([&bytes[..], b"x"].concat()))),
    ("it is missing", |objects, key, _| objects.damage(key, |_| None)),
    ("it is another backup's", |objects, key, other| swap(objects, key, other)),
    ("it is twice there", |objects, key, _| objects.damage(key, |bytes| Some(bytes.repeat(2)))),
];

fn swap(objects: &FakeObjects, key: &Key, other: &Key) {
    let mut taken = None;
    objects.damage(other, |bytes| {
        taken = Some(bytes.clone());
        Some(bytes)
    });
    objects.damage(key, |_| taken);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn damage_is_noticed_before_anything_is_touched(pool: PgPool) {
    let base = Fakes::new(&pool);
    let names = [
        "manifest.json",
        "tenant-key.age",
        "encryption-key.age",
        "database.dump.zst.age",
        "workflows.json.zst.age",
        "credentials.json.zst.age",
    ];
    for (name, (way, damage)) in names.into_iter().flat_map(|name| WAYS.map(|way| (name, way))) {
        let fakes = base.anew().await;
        let (tenant, sandbox) = (fakes.tenant("customer").await, fakes.tenant("shared").await);
        let (backup, other) = (fakes.backup(tenant).await, fakes.backup(tenant).await);
        let of =
            |backup| fakes.objects_of(tenant, backup).into_iter().find(|key| key.name() == name).unwrap();
        damage(&fakes.objects, &of(backup), &of(other));
        fakes.copies.put(Name::of(sandbox), 1);
        fakes.ask(sandbox, &TenantLoad { backup, executions: true, beside: false }).await;
        assert_eq!(fakes.run(&LoadTenant).await, End::RolledBack, "{name}: {way}");
        let rows = fakes.copies.rows(Name::of(sandbox)).unwrap();
        assert_eq!(rows["workflow_entity"], 1, "{name}: {way}: nothing was touched");
        let said: String =
            sqlx::query_scalar("select error ->> 'detail' from operations where kind = 'tenant.load'")
                .fetch_one(&fakes.pool)
                .await
                .unwrap();
        assert!(said.contains("damaged"), "{name}: {way}: {said}");
        // Nobody goes by it again; the other one, if it is whole, they do.
        assert_eq!(fakes.status(backup).await, "written", "{name}: {way}");
        assert_eq!(fakes.status(other).await, "verified", "{name}: {way}");
        let told = "select failure from backups where id = $1 and failed_at is not null";
        let told: String = sqlx::query_scalar(told).bind(backup).fetch_one(&fakes.pool).await.unwrap();
        assert!(told.contains("damaged"), "{name}: {way}: {told}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_dump_that_breaks_off_now_and_then_is_made_again_and_one_that_always_does_is_none(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (failures, expected) in [(1, "verified"), (1000, "failed")] {
        let fakes = base.anew().await;
        let (tenant, request) = (fakes.tenant("customer").await, manual());
        let before = fakes.backup(tenant).await;
        fakes.copies.fail_dumps(failures);
        fakes.ask(tenant, &request).await;
        fakes.run(&MakeBackup).await;
        assert_eq!(fakes.status(request.backup).await, expected);
        assert_eq!(fakes.status(before).await, "verified");
        let failure: Option<String> = sqlx::query_scalar("select failure from backups where id = $1")
            .bind(request.backup)
            .fetch_one(&fakes.pool)
            .await
            .unwrap();
        assert_eq!(failure.is_some(), expected == "failed", "{failure:?}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_has_no_database_of_its_own_is_told_so(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, request) = (fakes.tenant("shared").await, manual());
    fakes.ask(tenant, &request).await;
    assert_eq!(fakes.run(&MakeBackup).await, End::RolledBack);
    assert_eq!(fakes.status(request.backup).await, "failed");
    assert_eq!(fakes.objects.keys(), []);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_server_that_is_later_than_the_tools_is_told_with_both_versions(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = fakes.tenant("customer").await;
    let (before, request) = (fakes.backup(tenant).await, manual());
    fakes.copies.update_server("18.1");
    fakes.ask(tenant, &request).await;
    assert_eq!(fakes.run(&MakeBackup).await, End::RolledBack);
    let failure = sqlx::query_scalar::<_, String>("select failure from backups where id = $1");
    let failure = failure.bind(request.backup).fetch_one(&fakes.pool).await.unwrap();
    assert!(failure.contains("18.1") && failure.contains("17.10"), "{failure}");
    assert_eq!(fakes.status(before).await, "verified");
}
