//! Each operation, broken at each of its steps in every way: afterwards the world is exactly done or exactly as before.

use backup::{LoadTenant, MakeBackup, sagas};
use common::{
    database::MIGRATOR,
    operations::{End, Request as _},
};
use n8n::databases::Name;
use sqlx::PgPool;
use testkit::saga::points;
use wire::kinds::{self, TenantBackup, TenantLoad};

use crate::support::{Fakes, WORKFLOWS, manual};

#[test]
fn every_registered_operation_is_covered() {
    let ours = kinds::ALL.into_iter().filter(|kind| kind.service == "backup").map(|kind| kind.name);
    let registered: Vec<_> = sagas().iter().map(|saga| saga.kind().name).collect();
    assert_eq!(registered, ours.collect::<Vec<_>>());
    assert_eq!(registered, [TenantBackup::KIND.name, TenantLoad::KIND.name], "one more wants a test in here");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_backup_is_whole_and_read_back_or_nothing_is_left_of_it(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&MakeBackup, &manual()) {
        let fakes = base.anew().await;
        let (tenant, request) = (fakes.tenant("customer").await, manual());
        // What was made before is nobody's to touch.
        let before = fakes.backup(tenant).await;
        fakes.ask(tenant, &request).await;
        let end = fakes.break_at(&MakeBackup, point).await;
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{point:?}");
            assert_eq!(fakes.status(request.backup).await, "failed", "{point:?}");
            assert_eq!(fakes.objects_of(tenant, request.backup), [], "{point:?}");
        } else {
            assert_eq!(end, End::Succeeded, "{point:?}");
            assert_eq!(fakes.status(request.backup).await, "verified", "{point:?}");
            assert_eq!(fakes.objects_of(tenant, request.backup).len(), 6, "{point:?}");
        }
        assert_eq!(fakes.status(before).await, "verified");
        assert_eq!(fakes.objects_of(tenant, before).len(), 6);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_backup_of_one_who_shares_an_n8n_is_whole_or_nothing_is_left_of_it(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&MakeBackup, &manual()) {
        let fakes = base.anew().await;
        let ((member, _), (neighbour, _)) = (fakes.member().await, fakes.member().await);
        let (before, request) = (fakes.backup(neighbour).await, manual());
        fakes.ask(member, &request).await;
        let end = fakes.break_at(&MakeBackup, point).await;
        let (expected, status, objects) = if point.mode.gives_up() {
            (End::RolledBack, "failed", 0)
        } else {
            (End::Succeeded, "verified", 6)
        };
        assert_eq!(end, expected, "{point:?}");
        assert_eq!(fakes.status(request.backup).await, status, "{point:?}");
        assert_eq!(fakes.objects_of(member, request.backup).len(), objects, "{point:?}");
        assert_eq!(fakes.status(before).await, "verified");
        assert_eq!(fakes.objects_of(neighbour, before).len(), 6);
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_database_is_filled_wholly_whatever_happened(pool: PgPool) {
    let base = Fakes::new(&pool);
    let asked = |backup| TenantLoad { backup, executions: true, beside: false };
    for point in points(&LoadTenant, &asked(manual().backup)) {
        let fakes = base.anew().await;
        let (tenant, sandbox) = (fakes.tenant("customer").await, fakes.tenant("shared").await);
        let backup = fakes.backup(tenant).await;
        fakes.copies.put(Name::of(sandbox), 0);
        fakes.ask(sandbox, &asked(backup)).await;
        let end = fakes.break_at(&LoadTenant, point).await;
        // What it leaves when it gives up is its parent's to remove.
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{point:?}");
        } else {
            assert_eq!(end, End::Succeeded, "{point:?}");
            assert_eq!(
                fakes.copies.rows(Name::of(sandbox)).unwrap()["workflow_entity"],
                WORKFLOWS,
                "{point:?}"
            );
        }
        assert_eq!(fakes.objects_of(tenant, backup).len(), 6, "{point:?}");
    }
}
