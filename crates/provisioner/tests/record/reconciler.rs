//! The reconciler on a real record and a world of fakes.

use std::sync::Arc;

use crate::support::Fakes;
use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, OperationKind, Wake},
};
use provisioner::{CreateTenant, HealTenant, Reconciler, Report};
use sqlx::PgPool;
use testkit::saga::Rig;

fn reconciler(fakes: &Fakes) -> Reconciler {
    Reconciler::new(fakes.pool.clone(), Arc::new(fakes.world("reconciler")), Wake::default())
}

async fn create(fakes: &Fakes) -> TenantId {
    let tenant = fakes.accept("pro").await;
    assert_eq!(run(fakes, &CreateTenant).await, End::Succeeded);
    tenant
}

async fn run<S: common::operations::Saga<World = provisioner::World>>(
    fakes: &Fakes,
    saga: &'static S,
) -> End {
    let (world, effects) = (|process: &str| fakes.world(process), |process: &str| fakes.effects(process));
    Rig { saga, pool: &fakes.pool, world: &world, effects: &effects }.to_the_end().await
}

async fn heals(pool: &PgPool) -> i64 {
    let count = sqlx::query_scalar("select count(*) from operations where kind = $1");
    count.bind(OperationKind::TenantHeal.as_str()).fetch_one(pool).await.unwrap()
}

/// The reasons told as events, and the priority of the operation that heals.
async fn told(pool: &PgPool) -> Vec<(serde_json::Value, i16)> {
    let told = "select e.data -> 'reasons', o.priority from event_outbox e join operations o on o.id = e.operation_id
                where e.kind = 'tenant.drifted'";
    sqlx::query_as(told).fetch_all(pool).await.unwrap()
}

/// Everything the record holds, as text, but for what was seen of containers.
async fn record(pool: &PgPool) -> String {
    let all = "select coalesce(string_agg(x, E'\n' order by x), '') from (
        select t::text from tenants t union all select o::text from operations o
        union all select s::text from operation_steps s union all select r::text from routes r
        union all select i::text from tenant_instances i) as rows (x)";
    sqlx::query_scalar(all).fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn passes_that_find_nothing_write_nothing(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    create(&fakes).await;
    let mut reconciler = reconciler(&fakes);
    // The first pass notes what it sees.
    reconciler.pass().await.unwrap();
    let before = record(&pool).await;
    for _ in 0..50 {
        assert_eq!(reconciler.pass().await.unwrap(), Report::default());
    }
    assert_eq!(record(&pool).await, before);
    assert_eq!(fakes.effects("reconciler"), 0);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_that_drifted_is_healed_once_and_is_whole_again(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = create(&fakes).await;
    fakes.containers.vanish(&format!("rp9-{}-blue-worker-2", tenant.digits()));
    let (mut one, mut other) = (reconciler(&fakes), reconciler(&fakes));
    let (first, second) = tokio::join!(one.pass(), other.pass());
    assert_eq!(first.unwrap().healing + second.unwrap().healing, 1, "two replicas, one operation");
    assert_eq!(one.pass().await.unwrap().healing, 0, "an open operation is left alone");
    assert_eq!(heals(&pool).await, 1);
    let reason = format!("rp9-{}-blue-worker-2 is missing", tenant.digits());
    assert_eq!(told(&pool).await, [(serde_json::json!([reason]), 0)]);
    assert_eq!(run(&fakes, &HealTenant).await, End::Succeeded);
    fakes.assert_whole(tenant, 2).await;
    assert_eq!(one.pass().await.unwrap(), Report::default());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_recreated_shared_server_is_attached_again(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = create(&fakes).await;
    let cluster = crate::support::site().cluster;
    fakes.containers.remove_shared(&cluster, "edge");
    fakes.containers.add_shared(&cluster, "edge");
    assert_eq!(reconciler(&fakes).pass().await.unwrap().healing, 1);
    assert_eq!(run(&fakes, &HealTenant).await, End::Succeeded);
    fakes.assert_whole(tenant, 2).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_tenant_in_the_making_has_is_not_taken_for_nobodys(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = create(&fakes).await;
    sqlx::query("update tenants set status = 'provisioning' where id = $1")
        .bind(tenant)
        .execute(&pool)
        .await
        .unwrap();
    fakes.operate(tenant, OperationKind::TenantCreate).await;
    assert_eq!(reconciler(&fakes).pass().await.unwrap(), Report::default());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_deleted_tenant_left_is_noticed_and_spared_for_its_grace(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = create(&fakes).await;
    sqlx::query("update tenants set status = 'deleted' where id = $1")
        .bind(tenant)
        .execute(&pool)
        .await
        .unwrap();
    let report = reconciler(&fakes).pass().await.unwrap();
    // Three containers and a network.
    assert_eq!(report, Report { healing: 0, removed: 0, spared: 4 });
    assert_eq!(fakes.effects("reconciler"), 0);
}

/// Sets the memory a tenant's main should have.
async fn want(fakes: &Fakes, main: &str, memory_mb: i32) {
    let want = "update tenant_instances set memory_mb = $2 where name = $1";
    sqlx::query(want).bind(main).bind(memory_mb).execute(&fakes.pool).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_changed_and_changed_back_ends_as_it_was(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let tenant = create(&fakes).await;
    let main = format!("rp9-{}-blue-main", tenant.digits());
    let world = fakes.world("inspector");
    let memory = async || {
        let inventory = world.containers.observe(&world.site.cluster).await.unwrap();
        inventory.find(&main).unwrap().limits.memory_mb
    };
    let (mut reconciler, a) = (reconciler(&fakes), memory().await);
    let b = a + 256;
    // Back before the operation that was accepted for the change has run: it reads what is wanted when it runs.
    want(&fakes, &main, b as i32).await;
    assert_eq!(reconciler.pass().await.unwrap().healing, 1);
    want(&fakes, &main, a as i32).await;
    assert_eq!(run(&fakes, &HealTenant).await, End::Succeeded);
    assert_eq!(memory().await, a);
    assert_eq!(reconciler.pass().await.unwrap(), Report::default());
    // Back after it was applied: the next pass sees that.
    for memory_mb in [b, a] {
        want(&fakes, &main, memory_mb as i32).await;
        assert_eq!(reconciler.pass().await.unwrap().healing, 1);
        assert_eq!(run(&fakes, &HealTenant).await, End::Succeeded);
        assert_eq!(memory().await, memory_mb);
    }
    assert_eq!(reconciler.pass().await.unwrap(), Report::default());
}
