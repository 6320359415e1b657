//! An n8n that tenants share loses its database: it is made anew, and everybody comes back from a backup of their own.

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, Request as _},
};
use n8n::databases::{Counts, Name, TenantDatabases as _};
use provisioner::{CreateTenant, HealTenant, RebuildTenant, RestoreTenant, SuspendTenant};
use sqlx::PgPool;
use testkit::saga::{every_third, points};
use wire::kinds::{TenantHeal, TenantRebuild, TenantRestore, TenantSuspend};

use crate::support::Fakes;

const WORKERS: usize = 2;
const HELD: Counts = Counts { workflows: 3, active_workflows: 2, credentials: 4, executions: 9 };

/// One that serves and one that rests, each with a backup; and one who has none.
struct House {
    fakes: Fakes,
    instance: TenantId,
    serving: TenantId,
    resting: TenantId,
    without: TenantId,
}

impl House {
    async fn open(base: &Fakes) -> Self {
        let fakes = base.anew().await;
        let instance = fakes.accept("shared").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        let mut tenants = Vec::new();
        for _ in 0..3 {
            tenants.push(fakes.accept_in(instance).await);
            assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        }
        let [serving, resting, without] = tenants[..] else { panic!("{tenants:?}") };
        fakes.operate(resting, &TenantSuspend {}).await;
        assert_eq!(fakes.run(&SuspendTenant).await, End::Succeeded);
        for tenant in [serving, resting] {
            fakes.back_up(tenant).await;
        }
        fakes.databases.put_counts_into_backups(HELD);
        Self { fakes, instance, serving, resting, without }
    }

    async fn lose(&self) {
        let (loss, name) = (self.fakes.databases.actor("loss"), Name::of(self.instance));
        loss.remove_database(&name).await.unwrap();
        loss.remove_role(&name).await.unwrap();
    }

    async fn rebuild(&self) -> End {
        self.fakes.operate(self.instance, &TenantRebuild {}).await;
        self.fakes.run(&RebuildTenant).await
    }

    /// Whatever there is of it is healed, and does not run without its owner.
    async fn nobody_can_claim_it(&self, case: &str) {
        let name = Name::of(self.instance);
        self.fakes.operate(self.instance, &TenantHeal::default()).await;
        match (self.fakes.run(&HealTenant).await, self.fakes.databases.database(&name)) {
            (End::Succeeded, Some(database)) => assert!(database.instance_owner.is_some(), "{case}"),
            (End::RolledBack, None) => {}
            (end, database) => panic!("{end:?} with {database:?}, {case}"),
        }
    }

    /// Whose restores are asked for and not done.
    async fn coming_back(&self) -> Vec<TenantId> {
        let open =
            "select tenant_id from operations where kind = $1 and status = 'queued' order by tenant_id";
        let open = sqlx::query_scalar(open).bind(TenantRestore::KIND.name);
        open.fetch_all(&self.fakes.pool).await.unwrap()
    }

    async fn is_somebody(&self, tenant: TenantId, had: Counts, active: u64, case: &str) {
        let project = self.fakes.place(tenant).await.unwrap().project;
        let member = self.fakes.members.member(&Name::of(self.instance), &project).unwrap();
        let is_active = member.workflows.values().flatten().count() as u64;
        assert_eq!((member.workflows.len() as u64, is_active), (had.workflows, active), "{case}");
        assert_eq!((member.credentials, member.ended), (had.credentials, had.executions), "{case}");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn it_is_made_anew_and_everybody_with_a_backup_comes_back(pool: PgPool) {
    let base = Fakes::new(&pool);
    for point in every_third(points(&RebuildTenant, &TenantRebuild {})) {
        let house = House::open(&base).await;
        house.lose().await;
        house.fakes.operate(house.instance, &TenantRebuild {}).await;
        let end = house.fakes.break_at(&RebuildTenant, point).await;
        let case = format!("{point:?}");
        if point.mode.gives_up() {
            assert_eq!(end, End::RolledBack, "{case}");
            house.nobody_can_claim_it(&case).await;
            assert_eq!(house.rebuild().await, End::Succeeded, "asked for again, {case}");
        } else {
            assert_eq!(end, End::Succeeded, "{case}");
        }
        house.fakes.assert_whole(house.instance, WORKERS).await;
        assert_eq!(house.fakes.moves.numbers_after(&Name::of(house.instance)), Some(1_000_000), "{case}");
        let mut expected = [house.serving, house.resting];
        expected.sort();
        assert_eq!(house.coming_back().await, expected, "each once, {case}");
        for _ in expected {
            let end = house.fakes.run(&RestoreTenant).await;
            let error = "select coalesce(string_agg(error::text, ' '), '') from operations where kind = 'tenant.restore'";
            let error: String = sqlx::query_scalar(error).fetch_one(&house.fakes.pool).await.unwrap();
            assert_eq!(end, End::Succeeded, "{case}: {error}");
        }
        house.is_somebody(house.serving, HELD, HELD.active_workflows, &case).await;
        house.is_somebody(house.resting, HELD, 0, &case).await;
        assert_eq!(house.fakes.status(house.resting).await, "suspended", "{case}");
        house.fakes.operate(house.without, &TenantHeal::default()).await;
        assert_eq!(house.fakes.run(&HealTenant).await, End::Succeeded, "{case}");
        house.is_somebody(house.without, Counts::default(), 0, &case).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_that_has_something_is_left_alone_and_so_is_what_nobody_shares(pool: PgPool) {
    let house = House::open(&Fakes::new(&pool)).await;
    let name = Name::of(house.instance);
    house.fakes.databases.change(&name, |database| database.counts = HELD);
    assert_eq!(house.rebuild().await, End::RolledBack);
    house.fakes.assert_whole(house.instance, WORKERS).await;
    assert_eq!(house.coming_back().await, []);
    let own = house.fakes.accept("pro").await;
    assert_eq!(house.fakes.run(&CreateTenant).await, End::Succeeded);
    for tenant in [own, house.serving] {
        house.fakes.operate(tenant, &TenantRebuild {}).await;
        assert_eq!(house.fakes.run(&RebuildTenant).await, End::RolledBack);
    }
    house.fakes.assert_whole(own, WORKERS).await;
}
