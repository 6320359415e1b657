//! Second sides: a tenant has one with all that goes with its share of the calls, or is exactly as it was.

use std::collections::BTreeMap;

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, Request as _},
    tenant::Color,
};
use engine::{ContainerSpec, Selection, fake::Run};
use n8n::{
    Version,
    databases::{Beside, Name},
};
use provisioner::{BlueGreenTenant, CreateTenant, HealTenant, ScaleTenant, UpgradeTenant};
use serde_json::Value;
use sqlx::PgPool;
use testkit::saga::{Point, every_third, points};
use wire::kinds::{TenantBlueGreen, TenantScale, TenantUpgrade};

use crate::{scene::Scene, support::Fakes};

const FORMER: Version = Version::new(2, 40, 7);
const LATER: Version = Version::new(2, 41, 1);

/// What a tenant is like: its sides, what leads to it, and what runs, with its release.
#[derive(Debug, Clone, PartialEq)]
struct Like {
    sides: String,
    routes: Vec<String>,
    runs: BTreeMap<String, Version>,
}

fn like(sides: &str, routes: &[&str], runs: &[(&str, Version)]) -> Like {
    Like {
        sides: sides.to_owned(),
        routes: routes.iter().map(|route| (*route).to_owned()).collect(),
        runs: runs.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect(),
    }
}

const BLUE: [(&str, Version); 3] =
    [("blue-main", FORMER), ("blue-worker-1", FORMER), ("blue-worker-2", FORMER)];
const GREEN: [(&str, Version); 3] =
    [("green-main", LATER), ("green-worker-1", LATER), ("green-worker-2", LATER)];

fn one_side() -> Like {
    like("blue 2.40.7, none", &["blue-main 1"], &BLUE)
}

/// With green beside blue, which answers so many of a hundred calls with so many workers.
fn two_sides(weight: u8, workers: usize) -> Like {
    let runs = [&BLUE[..], &[("green-webhook", LATER)], &GREEN[1..=workers]].concat();
    let sides = format!("blue 2.40.7, 2.41.1 with {weight}");
    if weight == 0 {
        return like(&sides, &["blue-main 1"], &runs);
    }
    let blue = format!("blue-main 1 ({} of webhooks)", 100 - weight);
    let green = format!("green-webhook 0 ({weight} of webhooks)");
    like(&sides, &[&blue, &green], &runs)
}

/// With green in the place of blue, which is kept.
fn swapped() -> Like {
    let runs = [&GREEN[..], &[("blue-webhook", FORMER)]].concat();
    like("green 2.41.1, former 2.40.7 with 0", &["green-main 1"], &runs)
}

const CREATE: TenantBlueGreen =
    TenantBlueGreen::Create { color: Color::Green, n8n_version: Some(LATER), pre_backup: true };
const SWAP: TenantBlueGreen = TenantBlueGreen::Swap { to: Color::Green };
const CLEANUP: TenantBlueGreen = TenantBlueGreen::Cleanup { color: Color::Green };

const fn weigh(weight: u8) -> TenantBlueGreen {
    TenantBlueGreen::SetWeight { color: Color::Green, weight }
}

/// One that serves, on the former release, and to which all of this was done.
async fn after(base: &Fakes, done: &[TenantBlueGreen]) -> (Fakes, TenantId) {
    let fakes = base.anew().await;
    let tenant = fakes.accept("pro").await;
    let runs = sqlx::query("update tenants set n8n_version = $2 where id = $1").bind(tenant);
    runs.bind(FORMER.to_string()).execute(&fakes.pool).await.unwrap();
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    for request in done {
        assert_eq!(does(&fakes, tenant, request).await, End::Succeeded, "{request:?}");
    }
    (fakes, tenant)
}

async fn does(fakes: &Fakes, tenant: TenantId, request: &TenantBlueGreen) -> End {
    fakes.operate(tenant, request).await;
    fakes.run(&BlueGreenTenant).await
}

/// What it is like, by its rows and by what is there; both have to agree.
async fn looks(fakes: &Fakes, tenant: TenantId, case: &str) -> Like {
    let short = |name: &str| name.trim_start_matches(&format!("rp9-{}-", tenant.digits())).to_owned();
    let row = "select active_color || ' ' || n8n_version || ', '
                   || coalesce(case when second_is_former then 'former ' else '' end || second_version || ' with ' || second_weight, 'none')
                 from tenants where id = $1 and status = 'active'";
    let sides: String = sqlx::query_scalar(row).bind(tenant).fetch_one(&fakes.pool).await.unwrap();
    let names = "select name from tenant_instances where tenant_id = $1 order by name";
    let names: Vec<String> = sqlx::query_scalar(names).bind(tenant).fetch_all(&fakes.pool).await.unwrap();
    let world = fakes.world("inspector");
    let inventory = world.containers.observe(&world.site.cluster, Selection::of(tenant)).await.unwrap();
    assert!(inventory.containers.iter().all(engine::Observed::is_ready), "{case}: all are ready");
    let runs: BTreeMap<_, Version> = inventory
        .containers
        .iter()
        .map(|seen| (seen.name.clone(), seen.image.rsplit(':').next().unwrap().parse().unwrap()))
        .collect();
    assert_eq!(runs.keys().cloned().collect::<Vec<_>>(), names, "{case}: rows and containers");
    let routes = "select targets from routes where tenant_id = $1 and stand_in is null";
    let routes: Vec<Value> = sqlx::query_scalar(routes).bind(tenant).fetch_all(&fakes.pool).await.unwrap();
    assert_eq!(routes.len(), 1, "{case}: one host, and nothing stands in");
    let routes = routes[0].as_array().unwrap().iter().map(|target| {
        let host = target["url"].as_str().unwrap().trim_start_matches("http://").split(':').next().unwrap();
        let of_webhooks = target.get("webhook_weight").map(|weight| format!(" ({weight} of webhooks)"));
        format!("{} {}{}", short(host), target["weight"], of_webhooks.unwrap_or_default())
    });
    let name = Name::of(tenant);
    assert!(Beside::ALL.iter().all(|which| fakes.databases.beside(&name, *which).is_none()), "{case}");
    let runs = runs.iter().map(|(name, version)| (short(name), *version)).collect();
    Like { sides, routes: routes.collect(), runs }
}

/// Does it, broken at this point: afterwards the tenant is like this, or as before.
async fn is_broken(
    base: &Fakes,
    (done, request): (&[TenantBlueGreen], &TenantBlueGreen),
    point: Point,
    (before, afterwards): (&Like, &Like),
) {
    let (fakes, tenant) = after(base, done).await;
    fakes.operate(tenant, request).await;
    let end = fakes.break_at(&BlueGreenTenant, point).await;
    let case = format!("{request:?}, {point:?}");
    let gives_up = point.mode.gives_up();
    assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{case}");
    assert_eq!(&looks(&fakes, tenant, &case).await, if gives_up { before } else { afterwards }, "{case}");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_side_stands_beside_the_one_that_serves_or_there_is_none(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&BlueGreenTenant, &CREATE)) {
        is_broken(&base, (&[], &CREATE), point, (&one_side(), &two_sides(0, 0))).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn calls_are_shared_out_as_asked_with_workers_to_go_with_it_or_as_before(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (before, weight, afterwards) in [
        (two_sides(0, 0), 50, two_sides(50, 1)),
        (two_sides(100, 2), 10, two_sides(10, 1)),
        (two_sides(50, 1), 0, two_sides(0, 0)),
    ] {
        let so_far: u8 = before.sides.rsplit(' ').next().unwrap().parse().unwrap();
        for point in every_third(points(&BlueGreenTenant, &weigh(weight))) {
            let asked = (&[CREATE, weigh(so_far)][..], &weigh(weight));
            is_broken(&base, asked, point, (&before, &afterwards)).await;
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn the_other_side_serves_and_the_former_one_is_kept_or_all_is_as_before(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&BlueGreenTenant, &SWAP)) {
        let asked = (&[CREATE, weigh(10)][..], &SWAP);
        is_broken(&base, asked, point, (&two_sides(10, 1), &swapped())).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_side_is_removed_wholly_or_stays(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in points(&BlueGreenTenant, &CLEANUP) {
        is_broken(&base, (&[CREATE], &CLEANUP), point, (&two_sides(0, 0), &one_side())).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn there_and_back_nothing_is_left_of_it(pool: PgPool) {
    let base = Fakes::new(&pool);
    let connections = async |fakes: &Fakes, tenant: TenantId| -> i32 {
        let given =
            sqlx::query_scalar("select connections from tenant_limits where tenant_id = $1").bind(tenant);
        given.fetch_one(&fakes.pool).await.unwrap()
    };
    let (fakes, tenant) = after(&base, &[]).await;
    let before = connections(&fakes, tenant).await;
    let back = TenantBlueGreen::Swap { to: Color::Blue };
    for (request, afterwards) in [
        (CREATE, two_sides(0, 0)),
        (weigh(10), two_sides(10, 1)),
        (weigh(100), two_sides(100, 2)),
        (SWAP, swapped()),
        // The former one gets calls again before it serves.
        (TenantBlueGreen::SetWeight { color: Color::Blue, weight: 0 }, swapped()),
        (back, two_sides(0, 0)),
        (CLEANUP, one_side()),
    ] {
        assert_eq!(does(&fakes, tenant, &request).await, End::Succeeded, "{request:?}");
        assert_eq!(looks(&fakes, tenant, "").await, afterwards, "{request:?}");
    }
    assert_eq!(connections(&fakes, tenant).await, before);
    fakes.assert_whole(tenant, 2).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn releases_that_cannot_work_on_the_same_tables_are_not_put_beside_each_other(pool: PgPool) {
    let (fakes, tenant) = after(&Fakes::new(&pool), &[]).await;
    for fails in [FORMER, LATER] {
        let image = format!(":{fails}");
        fakes.containers.set_runs(move |spec: &ContainerSpec| Run::Exits {
            code: i64::from(spec.image.ends_with(&image)),
            logs: String::new(),
        });
        fakes.containers.clear_ledger();
        assert_eq!(does(&fakes, tenant, &CREATE).await, End::RolledBack, "{fails}");
        let ledger = fakes.containers.ledger();
        let touched = ledger.iter().filter(|effect| !effect.target.contains("rehearsal"));
        assert_eq!(touched.map(|effect| effect.target.as_str()).collect::<Vec<_>>(), [""; 0], "{fails}");
        assert_eq!(looks(&fakes, tenant, "refused").await, one_side());
    }
    // Whoever wants no backup has nothing that it could be tried on.
    let untried =
        TenantBlueGreen::Create { color: Color::Green, n8n_version: Some(LATER), pre_backup: false };
    assert_eq!(does(&fakes, tenant, &untried).await, End::Succeeded);
    assert_eq!(looks(&fakes, tenant, "untried").await, two_sides(0, 0));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_does_not_fit_the_sides_that_there_are_changes_nothing(pool: PgPool) {
    let base = Fakes::new(&pool);
    let back = TenantBlueGreen::Create { color: Color::Blue, n8n_version: Some(FORMER), pre_backup: false };
    let (fakes, tenant) = after(&base, &[]).await;
    for request in [SWAP, CLEANUP, weigh(10), back.clone()] {
        assert_eq!(does(&fakes, tenant, &request).await, End::RolledBack, "{request:?}");
        assert_eq!(looks(&fakes, tenant, "one side").await, one_side());
    }
    let (fakes, tenant) = after(&base, &[CREATE, weigh(10)]).await;
    for request in [CREATE, CLEANUP, TenantBlueGreen::Cleanup { color: Color::Blue }] {
        assert_eq!(does(&fakes, tenant, &request).await, End::RolledBack, "{request:?}");
        assert_eq!(looks(&fakes, tenant, "two sides").await, two_sides(10, 1));
    }
    // What changes the whole of a tenant, or would have to find room for both sides' workers, finds one.
    fakes.operate(tenant, &TenantScale { workers: Some(3), ..TenantScale::default() }).await;
    assert_eq!(fakes.run(&ScaleTenant).await, End::RolledBack);
    let upgrade = fakes.operate(tenant, &TenantUpgrade::to(LATER)).await;
    let migrating =
        "with o as (update operations set former_status = 'active' where id = $1 returning tenant_id)
                     update tenants set status = 'migrating' from o where id = o.tenant_id";
    sqlx::query(migrating).bind(upgrade).execute(&fakes.pool).await.unwrap();
    assert_eq!(fakes.run(&UpgradeTenant).await, End::RolledBack);
    assert_eq!(looks(&fakes, tenant, "two sides").await, two_sides(10, 1));
    // Going back to the former release is a swap, and nothing else.
    let (fakes, tenant) =
        after(&base, &[CREATE, SWAP, TenantBlueGreen::Cleanup { color: Color::Blue }]).await;
    assert_eq!(does(&fakes, tenant, &back).await, End::RolledBack);
    assert_eq!(looks(&fakes, tenant, "later").await, like("green 2.41.1, none", &["green-main 1"], &GREEN));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_second_side_is_expected_and_healed_with_its_own_release(pool: PgPool) {
    let (mut scene, tenant) = Scene::with_tenant(&pool).await;
    let set = "update tenants set n8n_version = '2.40.7'";
    scene.execute(set).await;
    for request in [CREATE, weigh(50)] {
        assert_eq!(does(&scene.fakes, tenant, &request).await, End::Succeeded);
    }
    let front = format!("rp9-{}-green-webhook", tenant.digits());
    let worker = format!("rp9-{}-green-worker-1", tenant.digits());
    assert_eq!(scene.look().await.healing, 0, "both sides are as they should be");
    assert_eq!(scene.look().await.removed, 0);
    scene.fakes.containers.vanish(&front);
    scene.fakes.containers.die(&worker, 137);
    assert_eq!(scene.look().await.healing, 1);
    assert_eq!(scene.run(&HealTenant).await, End::Succeeded);
    for name in [front, worker] {
        let image = scene.fakes.containers.spec(&name).unwrap().image;
        assert_eq!(image, "n8nio/n8n:2.41.1", "{name}");
    }
    assert_eq!(scene.look().await.healing, 0);
}

#[test]
fn callers_notice_nothing_while_sides_change() {
    assert!(TenantBlueGreen::KIND.passes.is_none() && TenantBlueGreen::KIND.unwinds);
}
