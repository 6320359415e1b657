//! Upgrading: a tenant runs the later release with all that it has, or the former one as before.

use std::collections::BTreeSet;

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, Request as _},
};
use engine::{ContainerSpec, Executed, Selection, fake::Run};
use n8n::{
    Version,
    databases::{Beside, Counts, Name},
};
use provisioner::{CreateTenant, UpgradeTenant};
use sqlx::PgPool;
use testkit::saga::{Point, every_third, points};
use wire::kinds::{TenantUpgrade, UpgradeStrategy};

use crate::support::Fakes;

const WORKERS: usize = 2;
const FORMER: Version = Version::new(2, 40, 7);
const LATER: Version = Version::new(2, 41, 1);

const ASKED: TenantUpgrade = TenantUpgrade { n8n_version: LATER, strategy: UpgradeStrategy::Recreate };

/// One that runs the former release and has something.
async fn serving(base: &Fakes) -> (Fakes, TenantId) {
    let fakes = base.anew().await;
    let tenant = fakes.accept("pro").await;
    runs(&fakes, tenant, FORMER).await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    fakes.databases.change(&Name::of(tenant), |database| database.counts = counts(3));
    (fakes, tenant)
}

async fn runs(fakes: &Fakes, tenant: TenantId, version: Version) {
    let runs = sqlx::query("update tenants set n8n_version = $2 where id = $1").bind(tenant);
    runs.bind(version.to_string()).execute(&fakes.pool).await.unwrap();
}

fn counts(workflows: u64) -> Counts {
    Counts { workflows, active_workflows: 1, credentials: 2, executions: 9 }
}

/// Accepts it, as the gateway does.
async fn accept(fakes: &Fakes, tenant: TenantId, request: &TenantUpgrade) {
    let operation = fakes.operate(tenant, request).await;
    for change in [
        "update operations set former_status = 'active' where id = $1",
        "update tenants set status = 'migrating' where id = (select tenant_id from operations where id = $1)",
    ] {
        sqlx::query(change).bind(operation).execute(&fakes.pool).await.unwrap();
    }
}

/// What starts of this release on the copy ends with an error.
fn fails(fakes: &Fakes, version: Version) {
    let image = format!(":{version}");
    fakes.containers.set_runs(move |spec: &ContainerSpec| Run::Exits {
        code: i64::from(spec.image.ends_with(&image)),
        logs: String::new(),
    });
}

/// What is there now, by its containers, its row and the database in use; and nothing is left beside that.
async fn assert_runs(fakes: &Fakes, tenant: TenantId, version: Version, case: &str) {
    let world = fakes.world("inspector");
    let inventory = world.containers.observe(&world.site.cluster, Selection::of(tenant)).await.unwrap();
    let images: BTreeSet<_> = inventory.containers.iter().map(|seen| seen.image.clone()).collect();
    assert_eq!(images, BTreeSet::from([format!("n8nio/n8n:{version}")]), "{case}");
    let row = sqlx::query_scalar("select n8n_version from tenants where id = $1").bind(tenant);
    let row: String = row.fetch_one(&fakes.pool).await.unwrap();
    assert_eq!(row, version.to_string(), "{case}");
    let name = Name::of(tenant);
    assert!(Beside::ALL.iter().all(|which| fakes.databases.beside(&name, *which).is_none()), "{case}");
    assert_eq!(fakes.databases.database(&name).unwrap().counts, counts(3), "{case}");
    assert_eq!(fakes.stand_ins(tenant).await, [None], "{case}");
    fakes.assert_whole(tenant, WORKERS).await;
}

async fn is_broken(base: &Fakes, point: Point, way_back: &str) {
    let (fakes, tenant) = serving(base).await;
    if way_back == "snapshot" {
        fails(&fakes, FORMER);
    }
    accept(&fakes, tenant, &ASKED).await;
    let end = fakes.break_at(&UpgradeTenant, point).await;
    let case = format!("{point:?}, {way_back}");
    let gives_up = point.mode.gives_up();
    assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{case}");
    assert_runs(&fakes, tenant, if gives_up { FORMER } else { LATER }, &case).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_runs_the_later_release_or_the_former_one(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&UpgradeTenant, &ASKED)) {
        is_broken(&base, point, "re-route").await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_cannot_go_back_on_what_was_changed_gets_what_it_had(pool: PgPool) {
    let base = Fakes::new(&pool);
    // Those to which it makes a difference.
    let steps = ["rehearse", "snapshot", "version", "start", "check", "done"];
    for point in points(&UpgradeTenant, &ASKED).into_iter().filter(|point| steps.contains(&point.step)) {
        is_broken(&base, point, "snapshot").await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_release_that_fails_on_a_copy_touches_nothing(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    fails(&fakes, LATER);
    fakes.containers.clear_ledger();
    accept(&fakes, tenant, &ASKED).await;
    assert_eq!(fakes.run(&UpgradeTenant).await, End::RolledBack);
    let touched = fakes.containers.ledger().into_iter().filter(|effect| !effect.target.contains("rehearsal"));
    assert_eq!(touched.map(|effect| effect.target).collect::<Vec<_>>(), [""; 0]);
    assert_runs(&fakes, tenant, FORMER, "fails on a copy").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_missing_afterwards_comes_back_with_the_former_release(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    let (databases, name) = (fakes.databases.clone(), Name::of(tenant));
    // The former release does not start on the copy, so the database is kept; and the later one loses a workflow as it starts.
    fails(&fakes, FORMER);
    fakes.containers.set_starts(move |spec| {
        if spec.image.ends_with(":2.41.1") {
            databases.change(&name, |database| database.counts = counts(2));
        }
    });
    accept(&fakes, tenant, &ASKED).await;
    assert_eq!(fakes.run(&UpgradeTenant).await, End::RolledBack);
    assert_runs(&fakes, tenant, FORMER, "something is missing").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nothing_goes_back_to_a_former_release(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    accept(&fakes, tenant, &ASKED).await;
    assert_eq!(fakes.run(&UpgradeTenant).await, End::Succeeded);
    for version in [FORMER, Version::new(2, 39, 0), Version::new(9, 0, 0)] {
        accept(&fakes, tenant, &TenantUpgrade::to(version)).await;
        assert_eq!(fakes.run(&UpgradeTenant).await, End::RolledBack, "{version}");
        assert_runs(&fakes, tenant, LATER, &version.to_string()).await;
    }
    assert!(TenantUpgrade::KIND.unwinds);
}

const BESIDE: TenantUpgrade = TenantUpgrade { n8n_version: LATER, strategy: UpgradeStrategy::BlueGreen };

/// The edge is read, and both sides answer enough calls from now on, the new one so many of a thousand with an error.
async fn are_called(fakes: &Fakes, tenant: TenantId, failed: u64) {
    is_read(fakes).await;
    let read = "insert into side_readings (tenant_id, host, color, webhooks, read_at, started_at, answers)
        select $1, 'acme.example.com', color, true, now() + interval '1 hour', now() - interval '1 day',
               jsonb_build_object('calls', 1000, 'failed', case color when 'green' then $2 else 0 end, 'within', jsonb_build_array(jsonb_build_array(0.1, 1000)))
          from unnest(array['blue', 'green']) as color";
    sqlx::query(read).bind(tenant).bind(failed as i64).execute(&fakes.pool).await.unwrap();
}

async fn is_read(fakes: &Fakes) {
    let read = "insert into edge_readings (cluster_id, readings, started_at, read_at) values ($1, 1, now(), now() + interval '1 hour')
                on conflict do nothing";
    sqlx::query(read).bind(fakes.cluster).execute(&fakes.pool).await.unwrap();
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_side_that_does_well_takes_the_place_of_the_former_one_or_goes(pool: PgPool) {
    let base = Fakes::new(&pool);
    let same = points(&UpgradeTenant, &ASKED).iter().position(|point| point.step == "hold").unwrap();
    for point in every_third(points(&UpgradeTenant, &BESIDE).split_off(same)) {
        let (fakes, tenant) = serving(&base).await;
        are_called(&fakes, tenant, 0).await;
        accept(&fakes, tenant, &BESIDE).await;
        let end = fakes.break_at(&UpgradeTenant, point).await;
        let gives_up = point.mode.gives_up();
        assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{point:?}");
        assert_runs(&fakes, tenant, if gives_up { FORMER } else { LATER }, &format!("{point:?}")).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_side_that_answers_with_errors_gets_no_more_calls_and_says_why(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    are_called(&fakes, tenant, 60).await;
    accept(&fakes, tenant, &BESIDE).await;
    assert_eq!(fakes.run(&UpgradeTenant).await, End::RolledBack);
    assert_runs(&fakes, tenant, FORMER, "errors").await;
    let why = "select error ->> 'detail' from operations where kind = 'tenant.upgrade'";
    let why: String = sqlx::query_scalar(why).fetch_one(&fakes.pool).await.unwrap();
    assert!(
        why.contains("With 10 of a hundred calls: The new side answers 6.0 % of the calls with an error"),
        "{why}"
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_quiet_tenants_new_side_is_asked_itself(pool: PgPool) {
    let base = Fakes::new(&pool);
    for (said, end, runs) in
        [("answered 20\n", End::Succeeded, LATER), ("answered 19\n", End::RolledBack, FORMER)]
    {
        let (fakes, tenant) = serving(&base).await;
        is_read(&fakes).await;
        let executed = Executed { stdout: said.into(), ..Executed::default() };
        fakes.containers.set_execs(move |_, _| Some(executed.clone()));
        accept(&fakes, tenant, &BESIDE).await;
        assert_eq!(fakes.run(&UpgradeTenant).await, end, "{said}");
        assert_runs(&fakes, tenant, runs, said).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_cannot_work_beside_the_former_release_is_not_put_there(pool: PgPool) {
    let (fakes, tenant) = serving(&Fakes::new(&pool)).await;
    fails(&fakes, FORMER);
    accept(&fakes, tenant, &BESIDE).await;
    assert_eq!(fakes.run(&UpgradeTenant).await, End::RolledBack);
    assert_runs(&fakes, tenant, FORMER, "beside").await;
    let why = "select error ->> 'detail' from operations where kind = 'tenant.upgrade'";
    let why: String = sqlx::query_scalar(why).fetch_one(&fakes.pool).await.unwrap();
    assert!(why.contains("the two cannot work beside each other"), "{why}");
}
