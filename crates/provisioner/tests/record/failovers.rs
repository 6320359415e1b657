//! Failover: a tenant lives in a shared n8n with what it had, or where it lived. What is somebody else's never changes.

use common::{
    database::MIGRATOR,
    id::{OperationId, TenantId},
    operations::{End, Request as _, Wake},
};
use engine::Selection;
use n8n::{
    databases::{Beside, Counts, Name, TenantDatabases as _},
    fake::FakeMember,
};
use provisioner::{
    CreateTenant, DeleteTenant, FailoverTenant, HealTenant, PromoteTenant, RetireTenant, Retiring,
};
use sqlx::PgPool;
use testkit::saga::{Mode, every_third, points};
use wire::kinds::{TenantDelete, TenantFailover, TenantHeal, TenantPromote, TenantRetire};

use crate::support::Fakes;

const WORKERS: usize = 2;
const HAD: Counts = Counts { workflows: 3, active_workflows: 2, credentials: 4, executions: 9 };

/// A shared n8n with somebody in it, and one who has an n8n of its own.
struct House {
    fakes: Fakes,
    instance: TenantId,
    neighbour: FakeMember,
    tenant: TenantId,
}

impl House {
    async fn open(base: &Fakes) -> Self {
        let fakes = base.anew().await;
        let instance = fakes.accept("shared").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        let neighbour = fakes.accept_in(instance).await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        let place = fakes.place(neighbour).await.unwrap();
        let neighbour = fakes.members.member(&Name::of(instance), &place.project).unwrap();
        let tenant = fakes.accept("pro").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        fakes.databases.change(&Name::of(tenant), |database| database.counts = HAD);
        Self { fakes, instance, neighbour, tenant }
    }

    /// Accepts it, as the gateway does.
    async fn accept(&self, request: &TenantFailover) -> OperationId {
        let operation = self.fakes.operate(self.tenant, request).await;
        for change in [
            "update operations set former_status = 'active' where id = $1",
            "update tenants set status = 'migrating' where id = (select tenant_id from operations where id = $1)",
        ] {
            sqlx::query(change).bind(operation).execute(&self.fakes.pool).await.unwrap();
        }
        operation
    }

    async fn fail_over(&self) -> End {
        self.accept(&TenantFailover::default()).await;
        self.fakes.run(&FailoverTenant).await
    }

    async fn member(&self) -> Option<FakeMember> {
        let place = self.fakes.place(self.tenant).await?;
        self.fakes.members.member(&Name::of(self.instance), &place.project)
    }

    async fn told(&self, column: &str) -> String {
        let told =
            format!("select {column} from failovers where tenant_id = $1 order by asked_at desc limit 1");
        let told = sqlx::query_scalar(sqlx::AssertSqlSafe(told)).bind(self.tenant);
        told.fetch_one(&self.fakes.pool).await.unwrap()
    }

    /// Those who live there: with the tenant, or without.
    fn is_left_alone(&self, others: usize, case: &str) {
        let members = self.fakes.members.members(&Name::of(self.instance));
        assert!(members.contains(&self.neighbour), "{case}");
        assert_eq!(members.len(), 1 + others, "{case}");
    }

    /// It lives in the shared n8n with what it had, and what is left of its own is asleep.
    async fn is_there(&self, had: Counts, case: &str) {
        assert_eq!(self.fakes.status(self.tenant).await, "active", "{case}");
        let member = self.member().await.unwrap();
        let active = member.workflows.values().filter(|version| version.is_some()).count() as u64;
        assert_eq!((member.workflows.len() as u64, active), (had.workflows, had.active_workflows), "{case}");
        assert_eq!(member.credentials, had.credentials, "{case}");
        assert_eq!((member.suspended, member.disabled), (false, false), "{case}");
        assert_eq!(self.fakes.stand_ins(self.tenant).await, [None], "{case}");
        for (table, rows) in [("tenant_instances", 0), ("resting_workspaces", 0)] {
            assert_eq!(self.fakes.count(table, self.tenant).await, rows, "{table}, {case}");
        }
        let world = self.fakes.world("inspector");
        let seen = world.containers.observe(&world.site.cluster, Selection::of(self.tenant)).await.unwrap();
        assert_eq!(seen.containers.len(), 0, "{case}");
        assert_eq!(self.told("status").await, "succeeded", "{case}");
        self.is_left_alone(1, case);
    }

    /// It lives where it lived. What was stopped is brought back as anything that is lost.
    async fn is_where_it_was(&self, case: &str) {
        assert_eq!(self.fakes.status(self.tenant).await, "active", "{case}");
        assert_eq!(self.told("status").await, "failed", "{case}");
        assert_eq!(self.fakes.stand_ins(self.tenant).await, [None], "{case}");
        assert_eq!(self.fakes.count("resting_workspaces", self.tenant).await, 0, "{case}");
        self.is_left_alone(0, case);
        self.fakes.operate(self.tenant, &TenantHeal::default()).await;
        assert_eq!(self.fakes.run(&HealTenant).await, End::Succeeded, "{case}");
        self.fakes.assert_whole(self.tenant, WORKERS).await;
        assert_eq!(self.fakes.databases.database(&Name::of(self.tenant)).unwrap().counts, HAD, "{case}");
        assert!(self.fakes.databases.beside(&Name::of(self.tenant), Beside::Next).is_none(), "{case}");
    }

    /// Nothing is left of its own n8n.
    async fn has_nothing_of_its_own(&self) {
        let left = provisioner::leftovers(&self.fakes.world("inspector"), self.tenant).await.unwrap();
        assert_eq!(left, [""; 0]);
        assert_eq!(self.fakes.count("tenant_secrets", self.tenant).await, 1);
    }

    fn retiring(&self) -> Retiring {
        Retiring::new(self.fakes.pool.clone(), self.fakes.world("retiring").into(), Wake::default())
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_tenant_lives_in_the_shared_n8n_or_where_it_lived(pool: PgPool) {
    let base = Fakes::new(&pool);
    // Its database is there: nothing is loaded.
    let points = points(&FailoverTenant, &TenantFailover::default()).into_iter();
    let points = points.filter(|point| !matches!(point.mode, Mode::Part(_)));
    for point in every_third(points.collect()) {
        let house = House::open(&base).await;
        house.accept(&TenantFailover::default()).await;
        let end = house.fakes.break_at(&FailoverTenant, point).await;
        let (case, gives_up) = (format!("{point:?}"), point.mode.gives_up());
        assert_eq!(end, if gives_up { End::RolledBack } else { End::Succeeded }, "{case}");
        if gives_up {
            house.is_where_it_was(&case).await;
        } else {
            house.is_there(HAD, &case).await;
            assert!(house.fakes.metering.has_counted(house.tenant), "{case}");
            assert_eq!(house.told("missing -> 0 ->> 'what'").await, "9 executions", "{case}");
        }
    }
}

/// Those steps to which it makes a difference.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_whose_database_is_lost_comes_back_from_its_newest_backup(pool: PgPool) {
    let base = Fakes::new(&pool);
    let points = points(&FailoverTenant, &TenantFailover::default()).into_iter();
    let points = points.filter(|point| ["choose", "load", "bring"].contains(&point.step));
    for point in points {
        let house = House::open(&base).await;
        let (name, case) = (Name::of(house.tenant), format!("{point:?}"));
        house.fakes.databases.actor("loss").remove_database(&name).await.unwrap();
        house.fakes.databases.actor("loss").remove_role(&name).await.unwrap();
        house.fakes.back_up(house.tenant).await;
        house.accept(&TenantFailover::default()).await;
        let end = house.fakes.break_at(&FailoverTenant, point).await;
        if point.mode.gives_up() {
            assert_eq!((end, house.told("status").await), (End::RolledBack, "failed".into()), "{case}");
            house.is_left_alone(0, &case);
        } else {
            assert_eq!(end, End::Succeeded, "{case}");
            house.is_there(Counts::default(), &case).await;
            let from = house.told("concat(source, ' ', backup_id is not null)").await;
            assert_eq!(from, "backup t", "{case}");
        }
        assert!(house.fakes.databases.beside(&name, Beside::Next).is_none(), "{case}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_there_is_no_copy_of_stays_where_it_is(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    house.fakes.databases.actor("loss").remove_database(&Name::of(house.tenant)).await.unwrap();
    assert_eq!(house.fail_over().await, End::RolledBack);
    assert_eq!(house.fakes.status(house.tenant).await, "active");
    house.is_left_alone(0, "no copy");
    let somebody_elses = house.fakes.back_up(house.instance).await;
    house.accept(&TenantFailover { backup: Some(somebody_elses) }).await;
    assert_eq!(house.fakes.run(&FailoverTenant).await, End::RolledBack);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn without_a_place_nothing_is_touched(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    sqlx::query("update tenants set capacity = 1 where id = $1")
        .bind(house.instance)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(house.fail_over().await, End::RolledBack);
    house.fakes.assert_whole(house.tenant, WORKERS).await;
    house.is_left_alone(0, "full");
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn healing_what_is_going_to_be_left_is_called_off(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    let heal = house.fakes.operate(house.tenant, &TenantHeal::default()).await;
    house.accept(&TenantFailover::default()).await;
    let status = sqlx::query_scalar("select status from operations where id = $1").bind(heal);
    let status: String = status.fetch_one(&pool).await.unwrap();
    assert_eq!(status, "rolled_back");
    assert_eq!(house.fakes.run(&FailoverTenant).await, End::Succeeded);
    house.is_there(HAD, "healing was under way").await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_is_left_of_its_own_n8n_goes_a_day_later(pool: PgPool) {
    let base = Fakes::new(&pool);
    let request = TenantRetire::of_failover(OperationId::generate());
    for point in points(&RetireTenant, &request).into_iter().filter(|point| !point.mode.gives_up()) {
        let house = House::open(&base).await;
        assert_eq!(house.fail_over().await, End::Succeeded);
        assert!(house.fakes.databases.database(&Name::of(house.tenant)).is_some(), "it is kept");
        assert_eq!(house.retiring().look().await.unwrap(), 0, "not yet");
        sqlx::query("update failovers set retire_at = now()").execute(&pool).await.unwrap();
        assert_eq!((house.retiring().look().await.unwrap(), house.retiring().look().await.unwrap()), (1, 0));
        assert_eq!(house.fakes.break_at(&RetireTenant, point).await, End::Succeeded, "{point:?}");
        house.has_nothing_of_its_own().await;
        assert_eq!(house.retiring().look().await.unwrap(), 0, "it is done");
        assert!(house.member().await.is_some());
        house.is_left_alone(1, "retired");
    }
}

/// The way back is a promotion: into a new n8n of its own, from what it has by then. As whom it lived in between it would again.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn it_is_promoted_again_and_falls_back_to_where_its_callers_know_it(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    assert_eq!(house.fail_over().await, End::Succeeded);
    let lived = house.fakes.place(house.tenant).await.unwrap();
    let operation =
        house.fakes.operate(house.tenant, &TenantPromote::of(common::id::PromotionId::generate())).await;
    sqlx::query("update operations set former_status = 'active' where id = $1")
        .bind(operation)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(house.fakes.run(&PromoteTenant).await, End::Succeeded);
    house.fakes.assert_whole(house.tenant, WORKERS).await;
    // What is left of the n8n of before is what it lives in now: nobody removes that.
    sqlx::query("update failovers set retire_at = now()").execute(&pool).await.unwrap();
    assert_eq!(house.retiring().look().await.unwrap(), 1);
    assert_eq!(house.fakes.run(&RetireTenant).await, End::Succeeded);
    house.fakes.assert_whole(house.tenant, WORKERS).await;

    assert_eq!(house.fail_over().await, End::Succeeded);
    assert_eq!(house.fakes.place(house.tenant).await, Some(lived), "the paths that callers know lead to it");
    house.is_left_alone(1, "again");
    let kept = "select count(*) from promotions where status = 'succeeded' and retired_at is null";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(kept).fetch_one(&pool).await.unwrap(),
        0,
        "what was kept there made room"
    );
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_is_removed_afterwards_leaves_nothing_anywhere(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    assert_eq!(house.fail_over().await, End::Succeeded);
    house.fakes.operate(house.tenant, &TenantDelete { final_backup: false }).await;
    assert_eq!(house.fakes.run(&DeleteTenant).await, End::Succeeded);
    house.fakes.assert_gone(house.tenant, "deleted").await;
    house.is_left_alone(0, "deleted");
    assert!(TenantFailover::KIND.unwinds);
}
