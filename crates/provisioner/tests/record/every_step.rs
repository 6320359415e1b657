//! Each operation, broken at each of its steps in every way: afterwards the world is exactly done or exactly as before.

use crate::support::Fakes;
use common::{
    database::MIGRATOR,
    id::{BackupId, TenantId},
    operations::{End, Request, Saga},
    tenant::Mode,
};
use n8n::databases::Name;
use provisioner::{
    BlueGreenTenant, CreateTenant, DeleteTenant, FailoverTenant, HealTenant, PromoteTenant, RebuildTenant,
    RerouteTenant, RestartTenant, RestoreTenant, ResumeTenant, RetireTenant, RollbackTenant, ScaleTenant,
    SuspendTenant, UpgradeTenant, sagas,
};
use sqlx::PgPool;
use testkit::saga::{Point, points};
use wire::kinds::{
    self, TenantCreate, TenantDelete, TenantHeal, TenantReroute, TenantRestart, TenantResume, TenantScale,
    TenantSuspend,
};

const WORKERS: usize = 2;

/// Each way of being broken, for a customer's and for one that the platform runs for others to share. Both have two workers.
fn for_each_purpose<S: Saga>(
    saga: &'static S,
    request: &S::Request,
) -> impl Iterator<Item = (&'static str, Point)> {
    let points = points(saga, request);
    ["pro", "shared"]
        .into_iter()
        .flat_map(move |plan| points.clone().into_iter().map(move |point| (plan, point)))
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn creating_a_tenant_ends_whole_or_leaves_nothing(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (plan, point) in for_each_purpose(&CreateTenant, &TenantCreate::empty(Mode::Dedicated, String::new()))
    {
        let fakes = base.anew().await;
        let tenant = fakes.accept(plan).await;
        let end = fakes.break_at(&CreateTenant, point).await;
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{point:?}");
            fakes.assert_gone(tenant, "failed").await;
        } else {
            assert_eq!(end, End::Succeeded, "{point:?}");
            fakes.assert_whole(tenant, WORKERS).await;
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_sandbox_is_filled_wholly_or_leaves_nothing(pool: PgPool) {
    let base = Fakes::new(&pool);
    let asked = TenantCreate {
        from: Some(BackupId::generate()),
        ..TenantCreate::empty(Mode::Dedicated, "sandbox".into())
    };
    for point in points(&CreateTenant, &asked) {
        let fakes = base.anew().await;
        let sandbox = fakes.accept("sandbox").await;
        if gives_up_early(&fakes.break_at(&CreateTenant, point).await, point) {
            fakes.assert_gone(sandbox, "failed").await;
            assert_eq!(fakes.restored(sandbox).await, "failed", "{point:?}");
        } else {
            fakes.assert_whole(sandbox, 1).await;
            assert_eq!(fakes.restored(sandbox).await, "succeeded", "{point:?}");
            // Whoever is in it is who was in the backup.
            let owner = fakes.databases.database(&Name::of(sandbox)).unwrap().instance_owner;
            assert_eq!(owner.unwrap().1.email, "somebody@acme.example", "{point:?}");
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_sandbox_is_removed_as_any_tenant_and_what_is_in_it_is_counted_nowhere(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&DeleteTenant, &TenantDelete { final_backup: true }) {
        let fakes = base.anew().await;
        let sandbox = fakes.accept("sandbox").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        fakes.operate(sandbox, &TenantDelete { final_backup: true }).await;
        assert_eq!(fakes.break_at(&DeleteTenant, point).await, End::Succeeded, "{point:?}");
        fakes.assert_gone(sandbox, "deleted").await;
        assert!(!fakes.metering.has_counted(sandbox), "{point:?}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn deleting_a_tenant_always_leaves_nothing(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (plan, point) in for_each_purpose(&DeleteTenant, &TenantDelete { final_backup: true }) {
        let fakes = base.anew().await;
        let tenant = fakes.accept(plan).await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        fakes.operate(tenant, &TenantDelete { final_backup: true }).await;
        assert_eq!(fakes.break_at(&DeleteTenant, point).await, End::Succeeded, "{point:?}");
        fakes.assert_gone(tenant, "deleted").await;
        assert!(fakes.metering.has_counted(tenant), "{point:?}: what it ran last is counted");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn healing_a_tenant_brings_back_everything_it_lost(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (plan, point) in for_each_purpose(&HealTenant, &TenantHeal::default()) {
        let fakes = base.anew().await;
        let tenant = fakes.accept(plan).await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        fakes.databases.change(&Name::of(tenant), |database| database.shared_schema = false);
        fakes.containers.vanish(&format!("rp9-{}-blue-main", tenant.digits()));
        fakes.containers.die(&format!("rp9-{}-blue-worker-1", tenant.digits()), 137);
        fakes.operate(tenant, &TenantHeal::default()).await;
        let end = fakes.break_at(&HealTenant, point).await;
        if point.mode.gives_up() {
            // Giving up keeps what was brought back; the reconciler asks again.
            assert_eq!(end, End::RolledBack, "{point:?}");
            fakes.operate(tenant, &TenantHeal::default()).await;
            assert_eq!(fakes.run(&HealTenant).await, End::Succeeded);
        } else {
            assert_eq!(end, End::Succeeded, "{point:?}");
        }
        fakes.assert_whole(tenant, WORKERS).await;
    }
}

/// An active tenant with the operation that this asks for.
async fn asked<R: Request>(base: &Fakes, request: &R) -> (Fakes, TenantId) {
    let fakes = base.anew().await;
    let tenant = fakes.accept("pro").await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    fakes.operate(tenant, request).await;
    (fakes, tenant)
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_restarted_tenant_is_whole_whatever_happened(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&RestartTenant, &TenantRestart {}) {
        let (fakes, tenant) = asked(&base, &TenantRestart {}).await;
        let end = fakes.break_at(&RestartTenant, point).await;
        assert_eq!(end, if point.mode.gives_up() { End::RolledBack } else { End::Succeeded }, "{point:?}");
        fakes.assert_whole(tenant, WORKERS).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_is_suspended_wholly_or_serves_as_before(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&SuspendTenant, &TenantSuspend {}) {
        let (fakes, tenant) = asked(&base, &TenantSuspend {}).await;
        if gives_up_early(&fakes.break_at(&SuspendTenant, point).await, point) {
            fakes.assert_whole(tenant, WORKERS).await;
            assert_eq!(fakes.stand_ins(tenant).await, [None]);
        } else {
            fakes.assert_resting(tenant, WORKERS).await;
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_is_resumed_wholly_or_rests_as_before(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&ResumeTenant, &TenantResume {}) {
        let (fakes, tenant) = asked(&base, &TenantSuspend {}).await;
        assert_eq!(fakes.run(&SuspendTenant).await, End::Succeeded);
        fakes.operate(tenant, &TenantResume {}).await;
        if gives_up_early(&fakes.break_at(&ResumeTenant, point).await, point) {
            fakes.assert_resting(tenant, WORKERS).await;
        } else {
            fakes.assert_whole(tenant, WORKERS).await;
            assert_eq!(fakes.stand_ins(tenant).await, [None]);
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_has_the_new_size_or_the_former_one(pool: PgPool) {
    let base = Fakes::new(&pool);
    let (larger, smaller) = (size(3000, 3072, 4), size(1000, 1024, 1));
    let every_point = points(&ScaleTenant, &TenantScale::default());
    for (wanted, point) in
        [larger, smaller].into_iter().flat_map(|size| every_point.iter().map(move |p| (size, *p)))
    {
        let (cpu_millis, memory_mb, workers) = wanted;
        let request =
            TenantScale { cpu_millis: Some(cpu_millis), memory_mb: Some(memory_mb), workers: Some(workers) };
        let (fakes, tenant) = asked(&base, &request).await;
        let former = gives_up_early(&fakes.break_at(&ScaleTenant, point).await, point);
        let (cpu, memory, workers) = if former { size(2000, 2048, 2) } else { wanted };
        fakes.assert_whole(tenant, workers as usize).await;
        fakes.assert_limits(tenant, cpu, memory).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_is_reached_as_the_record_has_it_or_is_asked_about_again(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&RerouteTenant, &TenantReroute {}) {
        let (fakes, tenant) = asked(&base, &TenantReroute {}).await;
        let rows =
            "insert into routes (host, tenant_id, targets, generation) values ('old.example', $1, '[]', 1)";
        sqlx::query(rows).bind(tenant).execute(&pool).await.unwrap();
        let proven =
            sqlx::query("update tenants set custom_domain = 'new.example' where id = $1").bind(tenant);
        proven.execute(&pool).await.unwrap();
        if gives_up_early(&fakes.break_at(&RerouteTenant, point).await, point) {
            fakes.operate(tenant, &TenantReroute {}).await;
            assert_eq!(fakes.run(&RerouteTenant).await, End::Succeeded);
        }
        let custom = "select array_agg(host) from routes where tenant_id = $1 and host like '%.example'";
        let custom: Vec<String> = sqlx::query_scalar(custom).bind(tenant).fetch_one(&pool).await.unwrap();
        assert_eq!(custom, ["new.example"], "{point:?}");
    }
}

const fn size(cpu_millis: u32, memory_mb: u32, workers: u32) -> (u32, u32, u32) {
    (cpu_millis, memory_mb, workers)
}

/// Whether it ended as before, which it does where it gives up.
fn gives_up_early(end: &End, point: Point) -> bool {
    let back = point.mode.gives_up();
    assert_eq!(*end, if back { End::RolledBack } else { End::Succeeded }, "{point:?}");
    back
}

/// A saga that the tests above do not name would show here.
#[test]
fn every_registered_operation_is_covered() {
    let covered = [
        CreateTenant::KIND,
        DeleteTenant::KIND,
        HealTenant::KIND,
        RestartTenant::KIND,
        SuspendTenant::KIND,
        ResumeTenant::KIND,
        ScaleTenant::KIND,
        RerouteTenant::KIND,
        RestoreTenant::KIND,
        RebuildTenant::KIND,
        UpgradeTenant::KIND,
        PromoteTenant::KIND,
        RollbackTenant::KIND,
        FailoverTenant::KIND,
        RetireTenant::KIND,
        BlueGreenTenant::KIND,
    ];
    let registered: Vec<_> = sagas().iter().map(|saga| saga.kind()).collect();
    assert_eq!(registered, covered);
    let own = kinds::ALL.into_iter().filter(|kind| kind.service == CreateTenant::KIND.service);
    assert_eq!(registered.len(), own.count());
}
