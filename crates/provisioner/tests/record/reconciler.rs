//! The reconciler on a real record and a world of fakes.

use std::{sync::Arc, time::Duration};

use crate::{
    scene::{Scene, main_of, worker_of},
    support::Fakes,
};
use common::{database::MIGRATOR, operations::Wake, tenant::Mode};
use engine::{
    Selection,
    fake::{Fault, Verb},
};
use provisioner::{Reconciler, Report};
use sqlx::PgPool;
use wire::kinds::{TenantCreate, TenantRestart};

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
    // The first pass notes what it sees.
    let (mut scene, _) = Scene::with_tenant(&pool).await;
    let (before, effects) = (record(&pool).await, scene.fakes.effects("reconciler"));
    for _ in 0..50 {
        assert_eq!(scene.after(Duration::from_secs(20)).await, Report::default());
    }
    assert_eq!(record(&pool).await, before);
    assert_eq!(scene.fakes.effects("reconciler"), effects);
}

/// How many rows of operations were read so far. By the only connection there is, which has told all it knows.
async fn operations_read(one: &PgPool) -> i64 {
    sqlx::query("select pg_stat_force_next_flush()").execute(one).await.unwrap();
    let read = "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'operations'";
    sqlx::query_scalar(read).fetch_one(one).await.unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_pass_reads_no_operations_that_have_ended(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    let ended = "insert into operations (id, kind, tenant_id, request, status, actor, correlation_id, deadline, finished_at)
        select gen_random_uuid(), 'tenant.heal', $1, '{}', 'succeeded', 'test', 'test', now(), now() from generate_series(1, 5000)";
    sqlx::query(ended).bind(tenant).execute(&pool).await.unwrap();
    sqlx::query("analyze operations").execute(&pool).await.unwrap();
    let one = pool.options().clone().max_connections(1);
    let one = one.connect_with((*pool.connect_options()).clone()).await.unwrap();
    let mut scene = Scene::on(Fakes { pool: one.clone(), ..scene.fakes.clone() }, None);
    let before = operations_read(&one).await;
    scene.look().await;
    let read = operations_read(&one).await - before;
    assert!(read < 100, "{read} rows");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_that_drifted_is_healed_once_and_is_whole_again(pool: PgPool) {
    let (mut one, tenant) = Scene::with_tenant(&pool).await;
    let mut other = Scene::on(one.fakes.clone(), None);
    one.fakes.containers.vanish(&worker_of(tenant, 2));
    let (first, second) = tokio::join!(one.look(), other.look());
    assert_eq!(first.healing + second.healing, 1, "two replicas, one operation");
    assert_eq!(one.look().await.healing, 0, "an open operation is left alone");
    assert_eq!(one.healings().await, 1);
    let reason = format!("{} is missing", worker_of(tenant, 2));
    assert_eq!(told(&pool).await, [(serde_json::json!([reason]), 0)]);
    one.heals().await;
    one.fakes.assert_whole(tenant, 2).await;
    assert_eq!(one.look().await, Report::default());
}

/// A copy takes an hour, and one that is stuck waits for a person; an upgrade tonight is not today's.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_beside_a_tenants_life_or_later_does_not_keep_it_from_being_healed(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.operate(tenant, &TenantRestart {}).await;
    scene.fakes.containers.vanish(&worker_of(tenant, 2));
    let set = "update operations set status = $1, lane = $2, alone = $3, not_before = now() + make_interval(hours => $4)
                where kind = 'tenant.restart'";
    for (status, lane, alone, hours, healed) in [
        ("queued", "life", false, 0, 0),
        ("stuck", "life", false, 0, 0),
        ("running", "life", false, 1, 0),
        ("running", "copies", true, 0, 0),
        ("running", "copies", false, 0, 1),
        ("stuck", "copies", false, 0, 1),
        ("queued", "life", false, 1, 1),
        ("queued", "life", true, 1, 1),
    ] {
        scene.execute("delete from operations where kind = 'tenant.heal'").await;
        scene.execute("delete from tenant_troubles").await;
        let set = sqlx::query(set).bind(status).bind(lane).bind(alone).bind(hours);
        set.execute(&pool).await.unwrap();
        assert_eq!(scene.look().await.healing, healed, "{status}, {lane}, {alone}, {hours}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_recreated_shared_server_is_attached_again(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    let cluster = crate::support::site().cluster;
    scene.fakes.containers.remove_shared(&cluster, "edge");
    scene.fakes.containers.add_shared(&cluster, "edge");
    assert_eq!(scene.look().await.healing, 1);
    scene.heals().await;
    scene.fakes.assert_whole(tenant, 2).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_tenant_in_the_making_has_is_not_taken_for_nobodys(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.execute("update tenants set status = 'provisioning'").await;
    scene.fakes.operate(tenant, &TenantCreate::empty(Mode::Dedicated, "pro".into())).await;
    assert_eq!(scene.look().await, Report::default());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_a_deleted_tenant_left_goes_after_its_grace_and_a_few_tenants_in_an_hour(pool: PgPool) {
    let mut scene = Scene::new(&pool);
    for _ in 0..5 {
        scene.create().await;
    }
    scene.execute("update tenants set status = 'deleted'").await;
    // Three containers and a network each.
    assert_eq!(scene.look().await, Report { healing: 0, removed: 0, spared: 20 });
    scene.now += Duration::from_secs(60);
    let mut removed = 0;
    for _ in 0..20 {
        removed += scene.look().await.removed;
    }
    assert_eq!(removed, 12, "three tenants' remains");
    // What another process removed counts as well.
    let mut other = Scene::on(scene.fakes.clone(), None);
    other.look().await;
    assert_eq!(other.after(Duration::from_secs(60)).await, Report { healing: 0, removed: 0, spared: 8 });
    scene.execute("update removals set at = at - interval '1 hour'").await;
    while scene.look().await.removed > 0 {}
    let world = scene.fakes.world("inspector");
    let left = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap();
    assert!(left.tenants().is_empty(), "{left:?}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_cannot_be_removed_keeps_nothing_else_waiting(pool: PgPool) {
    let mut scene = Scene::new(&pool);
    let mut tenants = [scene.create().await, scene.create().await, scene.create().await];
    tenants.sort_unstable();
    let [one, other, last] = tenants;
    // More than a pass removes, and the first by their names.
    for name in [one, other].iter().flat_map(|of| [main_of(*of), worker_of(*of, 1), worker_of(*of, 2)]) {
        scene.fakes.containers.inject(Fault::before(Verb::ContainerRemove).on(&name).times(1000));
    }
    scene.execute("update tenants set status = 'deleted'").await;
    scene.look().await;
    scene.now += Duration::from_secs(60);
    for _ in 0..4 {
        scene.after(Duration::from_secs(20)).await;
    }
    let world = scene.fakes.world("inspector");
    let left = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap().tenants();
    assert!(left.into_iter().eq([one, other]), "all that can be removed is gone: {last}");
    // Trying again is not removing more tenants' remains: the hour passes.
    scene.execute("update removals set at = at - interval '30 minutes'").await;
    scene.after(Duration::from_secs(20)).await;
    let old = "select bool_and(at < now() - interval '29 minutes') from removals";
    assert!(sqlx::query_scalar::<_, bool>(old).fetch_one(&pool).await.unwrap());
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn while_redis_is_away_the_rest_is_seen_and_acted_on(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.queues.set_unreachable(true);
    assert_eq!(scene.look().await, Report::default(), "no login is missed that cannot be seen");
    scene.fakes.containers.vanish(&worker_of(tenant, 1));
    assert_eq!(scene.look().await.healing, 1);
    let state: String = sqlx::query_scalar("select state from tenant_instances where name = $1")
        .bind(worker_of(tenant, 1))
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(state, "absent");
    let reason = format!("{} is missing", worker_of(tenant, 1));
    assert_eq!(told(&pool).await, [(serde_json::json!([reason]), 0)]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_the_engine_is_silent_about_is_unknown_and_not_missing(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    scene.fakes.containers.set_silent(&main_of(tenant), true);
    assert_eq!(scene.look().await, Report::default());
    let old = "select state, seen_at < now() - interval '0.5 seconds' from tenant_instances where name = $1";
    tokio::time::sleep(Duration::from_millis(600)).await;
    scene.look().await;
    let seen: (String, bool) = sqlx::query_as(old).bind(main_of(tenant)).fetch_one(&pool).await.unwrap();
    assert_eq!(seen, ("unknown".into(), true), "how old what was known is");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn settings_of_a_former_release_are_renewed_one_tenant_at_a_time(pool: PgPool) {
    let mut scene = Scene::new(&pool);
    let tenants = [scene.create().await, scene.create().await];
    for tenant in tenants {
        scene.fakes.containers.set_launch(&main_of(tenant), n8n::launch::REVISION - 1);
    }
    for tenant in tenants {
        assert_eq!(scene.look().await.healing, 1);
        assert_eq!(scene.look().await.healing, 0, "the next one waits");
        scene.heals().await;
        let renewed = scene.fakes.containers.spec(&main_of(tenant)).unwrap();
        assert_eq!(renewed.launch, n8n::launch::REVISION);
        for _ in 0..2 {
            assert_eq!(
                scene.after(Duration::from_secs(120)).await.healing,
                0,
                "it has to be well for a while"
            );
        }
    }
    assert_eq!(scene.look().await, Report::default());
    assert_eq!(told(&pool).await.iter().map(|(_, priority)| *priority).collect::<Vec<_>>(), [2, 2]);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_happens_to_all_tenants_at_once_renews_none_of_them(pool: PgPool) {
    let mut scene = Scene::new(&pool);
    let tenants = [scene.create().await, scene.create().await];
    let (engine, cluster) = (scene.fakes.containers.clone(), crate::support::site().cluster);
    tenants.iter().for_each(|tenant| engine.set_launch(&main_of(*tenant), n8n::launch::REVISION - 1));
    engine.remove_shared(&cluster, "edge");
    engine.add_shared(&cluster, "edge");
    engine.die(&main_of(tenants[1]), 137);
    assert_eq!(scene.look().await.healing, 2);
    for tenant in tenants {
        scene.heals().await;
        let main = engine.spec(&main_of(tenant)).unwrap();
        assert_eq!(main.launch, n8n::launch::REVISION - 1, "it has its turn later");
    }
    for _ in 0..2 {
        assert_eq!(
            scene.after(Duration::from_secs(120)).await.healing,
            0,
            "both have to be well for a while"
        );
    }
    assert_eq!(scene.look().await.healing, 1, "now it is the first one's turn");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn another_configuration_reaches_one_tenant_after_the_other_as_well(pool: PgPool) {
    let (scene, tenant) = Scene::with_tenant(&pool).await;
    let before = scene.fakes.containers.spec(&main_of(tenant)).unwrap().settings;
    let mut scene = Scene::on(scene.fakes.clone(), None);
    let mut world = scene.fakes.world("reconciler");
    world.site.public.port = 8443;
    let (settings, wake) = (world.site.settings(), Wake::default());
    scene.reconciler = Reconciler::new(pool.clone(), Arc::new(world), wake, scene.engine_trust.clone());
    assert_ne!(settings, before);
    assert_eq!(scene.look().await.healing, 1);
    let reason = format!("{} has the settings of a former release or configuration", main_of(tenant));
    let (reasons, priority) = told(&pool).await.swap_remove(0);
    assert!(priority == 2 && reasons.to_string().contains(&reason), "{reasons}, {priority}");
}

/// Sets the memory a tenant's main should have.
async fn want(fakes: &Fakes, main: &str, memory_mb: i32) {
    let want = "update tenant_instances set memory_mb = $2 where name = $1";
    sqlx::query(want).bind(main).bind(memory_mb).execute(&fakes.pool).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_changed_and_changed_back_ends_as_it_was(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    let (main, fakes) = (main_of(tenant), scene.fakes.clone());
    let world = fakes.world("inspector");
    let memory = async || {
        let inventory = world.containers.observe(&world.site.cluster, Selection::ALL).await.unwrap();
        inventory.find(&main).unwrap().limits.memory_mb
    };
    let a = memory().await;
    let b = a + 256;
    // Back before the operation that was accepted for the change has run: it reads what is wanted when it runs.
    want(&fakes, &main, b as i32).await;
    assert_eq!(scene.look().await.healing, 1);
    want(&fakes, &main, a as i32).await;
    scene.heals().await;
    assert_eq!(memory().await, a);
    assert_eq!(scene.look().await, Report::default());
    // Back after it was applied: the next pass sees that. Healed twice, it is in no trouble, but will not be at once again.
    for memory_mb in [b, a] {
        scene.execute("delete from tenant_troubles").await;
        want(&fakes, &main, memory_mb as i32).await;
        assert_eq!(scene.look().await.healing, 1);
        scene.heals().await;
        assert_eq!(memory().await, memory_mb);
    }
    assert_eq!(scene.look().await, Report::default());
}
