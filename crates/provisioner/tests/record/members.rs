//! Tenants that share an n8n: made, let rest, resumed and removed, broken at each step in every way. What is somebody else's never changes.

use common::{
    database::MIGRATOR,
    id::TenantId,
    operations::{End, Saga},
    tenant::Mode,
};
use n8n::{
    TenantDatabases as _,
    databases::Name,
    fake::FakeMember,
    members::{ExecutionId, Flaw, ProjectId, WorkflowId, email},
};
use provisioner::{
    CreateTenant, DeleteTenant, HealTenant, RestartTenant, ResumeTenant, ScaleTenant, SuspendTenant, World,
};
use sqlx::PgPool;
use testkit::saga::{Point, points};
use wire::kinds::{
    TenantCreate, TenantDelete, TenantHeal, TenantRestart, TenantResume, TenantScale, TenantSuspend,
};

use crate::external::Theirs;
use crate::support::Fakes;

/// A shared n8n with somebody in it.
struct House {
    fakes: Fakes,
    instance: TenantId,
    neighbour: FakeMember,
}

const SHARED: TenantCreate = TenantCreate::empty(Mode::Shared, String::new());

impl House {
    async fn open(pool: &PgPool) -> Self {
        let fakes = Fakes::new(pool);
        let instance = fakes.accept("shared").await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        Self::of(fakes, instance).await
    }

    /// The same n8n run by somebody else.
    async fn open_theirs(pool: &PgPool) -> Self {
        let theirs = Theirs::new(pool).await;
        Self::of(theirs.fakes, theirs.instance).await
    }

    async fn of(fakes: Fakes, instance: TenantId) -> Self {
        let house = |neighbour| Self { fakes: fakes.clone(), instance, neighbour };
        let someone = fakes.accept_in(instance).await;
        assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
        let place = fakes.place(someone).await.unwrap();
        give_work(&fakes, instance, &place.project, "theirs");
        house(fakes.members.member(&Name::of(instance), &place.project).unwrap())
    }

    /// Another one who lives there, and has something active.
    async fn tenant(&self) -> TenantId {
        let tenant = self.fakes.accept_in(self.instance).await;
        assert_eq!(self.fakes.run(&CreateTenant).await, End::Succeeded);
        let project = self.fakes.place(tenant).await.unwrap().project;
        give_work(&self.fakes, self.instance, &project, &tenant.digits());
        tenant
    }

    async fn member(&self, tenant: TenantId) -> Option<FakeMember> {
        let project = self.fakes.place(tenant).await?.project;
        self.fakes.members.member(&Name::of(self.instance), &project)
    }

    /// Nobody else has changed.
    fn is_left_alone(&self) {
        let now = self.fakes.members.member(&Name::of(self.instance), &self.neighbour.place.project);
        assert_eq!(now.as_ref(), Some(&self.neighbour));
    }

    async fn is_whole(&self, tenant: TenantId, active: &[&str]) {
        let active: Vec<_> = active.iter().map(|one| format!("{}-{one}", tenant.digits())).collect();
        assert_eq!(self.fakes.status(tenant).await, "active");
        let member = self.member(tenant).await.unwrap();
        assert_eq!((member.suspended, member.disabled), (false, false));
        assert_eq!(member.email, email(tenant));
        assert_eq!(active_of(&member), active);
        assert_eq!((member.waiting.len(), member.aside.len()), (usize::from(!active.is_empty()), 0));
        assert_eq!(self.fakes.stand_ins(tenant).await, [None]);
        self.has_rows(tenant, [1, 1, 0]).await;
        self.is_left_alone();
    }

    async fn rests(&self, tenant: TenantId) {
        assert_eq!(self.fakes.status(tenant).await, "suspended");
        let member = self.member(tenant).await.unwrap();
        assert_eq!((member.suspended, member.disabled), (true, true));
        assert_eq!(active_of(&member), [""; 0]);
        assert_eq!(member.workflows.len(), 3);
        assert_eq!((member.waiting.len(), member.aside.len()), (0, 1), "n8n would fail what is due");
        assert_eq!(self.fakes.stand_ins(tenant).await, [Some("suspended".to_owned())]);
        self.has_rows(tenant, [1, 1, 1]).await;
        self.is_left_alone();
    }

    async fn is_gone(&self, tenant: TenantId, status: &str) {
        assert_eq!(self.fakes.status(tenant).await, status);
        assert_eq!(self.member(tenant).await, None);
        self.has_rows(tenant, [0, 0, 0]).await;
        self.is_left_alone();
    }

    async fn has_rows(&self, tenant: TenantId, rows: [i64; 3]) {
        for (table, rows) in ["routes", "tenant_secrets", "resting_workspaces"].into_iter().zip(rows) {
            assert_eq!(self.fakes.count(table, tenant).await, rows, "{table}");
        }
    }
}

/// Two workflows that are active and one that is not, and an execution that waits.
fn give_work(fakes: &Fakes, instance: TenantId, project: &ProjectId, whose: &str) {
    fakes.members.change(&Name::of(instance), project, |member| {
        for (name, version) in [("a", Some("a1".to_owned())), ("b", Some("b7".to_owned())), ("c", None)] {
            member.workflows.insert(WorkflowId(format!("{whose}-{name}")), version);
        }
        member.waiting.insert(ExecutionId(5));
    });
}

fn active_of(member: &FakeMember) -> Vec<String> {
    let active =
        member.workflows.iter().filter_map(|(id, version)| Some(format!("{id}@{}", version.as_ref()?)));
    active.collect()
}

const ACTIVE: [&str; 2] = ["a@a1", "b@b7"];

/// Whether it ended as before, which it does where it gives up.
async fn gives_up<S: Saga<World = World>>(house: &House, saga: &'static S, point: Point) -> bool {
    let end = house.fakes.break_at(saga, point).await;
    let back = point.mode.gives_up() && S::UNWINDS;
    assert_eq!(end, if back { End::RolledBack } else { End::Succeeded }, "{point:?}");
    back
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_is_made_whole_or_leaves_nothing(pool: PgPool) {
    is_made(House::open(&pool).await).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_is_made_whole_or_leaves_nothing_in_somebody_elses_n8n(pool: PgPool) {
    is_made(House::open_theirs(&pool).await).await;
}

async fn is_made(house: House) {
    for point in points(&CreateTenant, &SHARED) {
        let tenant = house.fakes.accept_in(house.instance).await;
        if gives_up(&house, &CreateTenant, point).await {
            house.is_gone(tenant, "failed").await;
        } else {
            house.is_whole(tenant, &[]).await;
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_rests_wholly_or_serves_as_before(pool: PgPool) {
    let house = House::open(&pool).await;
    for point in points(&SuspendTenant, &TenantSuspend {}) {
        let tenant = house.tenant().await;
        house.fakes.operate(tenant, &TenantSuspend {}).await;
        if gives_up(&house, &SuspendTenant, point).await {
            house.is_whole(tenant, &ACTIVE).await;
        } else {
            house.rests(tenant).await;
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn exactly_what_was_active_is_active_again(pool: PgPool) {
    let house = House::open(&pool).await;
    for point in points(&ResumeTenant, &TenantResume {}) {
        let tenant = house.tenant().await;
        house.fakes.operate(tenant, &TenantSuspend {}).await;
        assert_eq!(house.fakes.run(&SuspendTenant).await, End::Succeeded);
        house.fakes.operate(tenant, &TenantResume {}).await;
        if gives_up(&house, &ResumeTenant, point).await {
            house.rests(tenant).await;
        } else {
            house.is_whole(tenant, &ACTIVE).await;
        }
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nothing_of_one_is_left_wherever_its_removal_was_broken(pool: PgPool) {
    is_removed(House::open(&pool).await).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nothing_of_one_is_left_in_somebody_elses_n8n(pool: PgPool) {
    is_removed(House::open_theirs(&pool).await).await;
}

/// What somebody else runs they back up; of one who is nobody there any more nothing is left to be copied.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_last_backup_is_made_of_what_one_has_in_an_n8n_of_the_platforms(pool: PgPool) {
    let house = House::open(&pool).await;
    let (tenant, lost) = (house.tenant().await, house.tenant().await);
    let place = house.fakes.place(lost).await.unwrap();
    house.fakes.members.lose(&Name::of(house.instance), &place.project);
    for (tenant, made) in [(tenant, 1), (lost, 0)] {
        house.fakes.operate(tenant, &TenantDelete { final_backup: true }).await;
        assert_eq!(house.fakes.run(&DeleteTenant).await, End::Succeeded);
        assert_eq!(last_backups(&pool, tenant).await, made);
    }
}

async fn last_backups(pool: &PgPool, tenant: TenantId) -> i64 {
    let parts = "select count(*) from operations where kind = 'tenant.backup' and parent_id is not null and tenant_id = $1 and request ->> 'type' = 'final'";
    sqlx::query_scalar(parts).bind(tenant).fetch_one(pool).await.unwrap()
}

async fn is_removed(house: House) {
    for point in points(&DeleteTenant, &TenantDelete { final_backup: true }) {
        let tenant = house.tenant().await;
        house.fakes.operate(tenant, &TenantDelete { final_backup: true }).await;
        gives_up(&house, &DeleteTenant, point).await;
        house.is_gone(tenant, "deleted").await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_runs_ends_before_one_rests(pool: PgPool) {
    let house = House::open(&pool).await;
    let tenant = house.tenant().await;
    let (instance, project) = (Name::of(house.instance), house.fakes.place(tenant).await.unwrap().project);
    house.fakes.members.change(&instance, &project, |member| {
        member.running.insert(ExecutionId(7));
    });
    let operation = house.fakes.operate(tenant, &TenantSuspend {}).await;
    let fakes = &house.fakes;
    let ended = async {
        let waits = "select exists (select from operations where id = $1 and status = 'running' and not_before > now())
                        and (select status = 'active' from tenants where id = $2)";
        loop {
            let waits = sqlx::query_scalar(waits).bind(operation).bind(tenant);
            if waits.fetch_one(&fakes.pool).await.unwrap() {
                break;
            }
            tokio::task::yield_now().await;
        }
        fakes.members.change(&instance, &project, |member| member.running.clear());
    };
    let (end, ()) = tokio::join!(fakes.run(&SuspendTenant), ended);
    assert_eq!(end, End::Succeeded);
    house.rests(tenant).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_only_containers_can_have_done_is_refused_for_good(pool: PgPool) {
    let house = House::open(&pool).await;
    let tenant = house.tenant().await;
    house.fakes.operate(tenant, &TenantRestart {}).await;
    assert_eq!(house.fakes.run(&RestartTenant).await, End::RolledBack);
    house.fakes.operate(tenant, &TenantScale { workers: Some(3), ..TenantScale::default() }).await;
    assert_eq!(house.fakes.run(&ScaleTenant).await, End::RolledBack);
    house.is_whole(tenant, &ACTIVE).await;
}

/// What is done to a member's rows, one after the other.
const DAMAGES: [fn(&mut FakeMember); 5] = [
    |member| member.disabled = true,
    |member| member.suspended = true,
    |member| member.token = "another".into(),
    |member| member.limits.concurrent = 99.try_into().unwrap(),
    |member| member.damage.extend([Flaw::UserMissing, Flaw::ProjectDiffers, Flaw::NotTheOwner]),
];

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn what_somebody_changed_of_one_is_put_right_wherever_healing_was_broken(pool: PgPool) {
    let house = House::open(&pool).await;
    for (point, damage) in points(&HealTenant, &TenantHeal::default()).into_iter().zip(DAMAGES.iter().cycle())
    {
        let tenant = house.tenant().await;
        let before = house.member(tenant).await;
        let project = house.fakes.place(tenant).await.unwrap().project;
        house.fakes.members.change(&Name::of(house.instance), &project, damage);
        assert_ne!(house.member(tenant).await, before);
        house.fakes.operate(tenant, &TenantHeal::default()).await;
        if gives_up(&house, &HealTenant, point).await {
            // Whatever came back is kept, and the reconciler looks again.
            house.fakes.operate(tenant, &TenantHeal::default()).await;
            assert_eq!(house.fakes.run(&HealTenant).await, End::Succeeded);
        }
        assert_eq!(house.member(tenant).await, before, "{point:?}");
        house.is_whole(tenant, &ACTIVE).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_of_whom_nothing_is_left_is_somebody_again_and_one_who_rests_is_left_alone(pool: PgPool) {
    let house = House::open(&pool).await;
    let (lost, resting) = (house.tenant().await, house.tenant().await);
    let project = house.fakes.place(lost).await.unwrap().project;
    house.fakes.members.lose(&Name::of(house.instance), &project);
    house.fakes.operate(lost, &TenantHeal::default()).await;
    assert_eq!(house.fakes.run(&HealTenant).await, End::Succeeded);
    house.is_whole(lost, &[]).await;
    house.fakes.operate(resting, &TenantSuspend {}).await;
    assert_eq!(house.fakes.run(&SuspendTenant).await, End::Succeeded);
    house.fakes.operate(resting, &TenantHeal::default()).await;
    assert_eq!(house.fakes.run(&HealTenant).await, End::RolledBack);
    house.rests(resting).await;
}

/// An n8n that is removed has nobody in it any more: whoever was left there by a person's decision can be removed all the same.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn one_whose_n8n_is_gone_can_be_removed(pool: PgPool) {
    let house = House::open(&pool).await;
    let tenant = house.tenant().await;
    house.fakes.databases.actor("somebody").remove_database(&Name::of(house.instance)).await.unwrap();
    house.fakes.operate(tenant, &TenantDelete { final_backup: true }).await;
    assert_eq!(house.fakes.run(&DeleteTenant).await, End::Succeeded);
    assert_eq!(house.fakes.status(tenant).await, "deleted");
    house.has_rows(tenant, [0, 0, 0]).await;
}
