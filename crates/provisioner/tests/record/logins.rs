//! How owners get in, and in again.

use common::{
    database::MIGRATOR,
    error::{Classify as _, Kind},
    id::{ResetId, TenantId},
    operations::End,
};
use n8n::{account, databases::Name};
use provisioner::{CreateTenant, World, questions};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use wire::{AskInitialLogin, InitialLogin, ResetLogin};

use crate::support::Fakes;

async fn tenant(fakes: &Fakes) -> TenantId {
    tenant_of(fakes, "starter").await
}

async fn tenant_of(fakes: &Fakes, plan: &str) -> TenantId {
    let tenant = fakes.accept(plan).await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    tenant
}

async fn initial(fakes: &Fakes, world: &World, tenant: TenantId) -> InitialLogin {
    questions::initial_login(&fakes.pool, world, AskInitialLogin { tenant, cluster: None }).await.unwrap()
}

/// As a gateway accepts it.
async fn accepted(fakes: &Fakes, tenant: TenantId, reset: ResetId) -> ResetId {
    let update = "update tenants set accepted_reset_id = $2 where id = $1";
    sqlx::query(update).bind(tenant).bind(reset).execute(&fakes.pool).await.unwrap();
    reset
}

async fn ask(fakes: &Fakes, world: &World, asked: ResetLogin) -> Result<InitialLogin, Kind> {
    questions::reset_login(&fakes.pool, world, asked).await.map_err(|error| error.kind())
}

async fn reset(fakes: &Fakes, world: &World, tenant: TenantId, reset: ResetId) -> Result<String, Kind> {
    let asked = ResetLogin { tenant, cluster: None, reset, disable_mfa: false, recorded: true };
    ask(fakes, world, asked).await.map(|login| login.password.expose_secret().to_owned())
}

fn choose(fakes: &Fakes, tenant: TenantId, password: &str) {
    let hash = account::hash_password(&password.to_owned().into()).unwrap();
    fakes.databases.change(&Name::of(tenant), |database| {
        database.instance_owner.as_mut().unwrap().1.password_hash = hash;
    });
}

/// What n8n would let the owner in with.
fn opens(fakes: &Fakes, tenant: TenantId, password: &str) -> bool {
    let (_, owner) = fakes.databases.database(&Name::of(tenant)).unwrap().instance_owner.unwrap();
    account::is_hash_of(&password.to_owned().into(), &owner.password_hash)
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn an_initial_login_that_the_owner_changed_says_so(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, world) = (tenant(&fakes).await, fakes.world("logins"));
    let login = initial(&fakes, &world, tenant).await;
    assert!(!login.stale && opens(&fakes, tenant, login.password.expose_secret()));

    let change = |change: fn(&mut n8n::databases::Owner)| {
        fakes.databases.change(&Name::of(tenant), |database| {
            change(&mut database.instance_owner.as_mut().unwrap().1);
        });
    };
    change(|owner| owner.email = "another@acme.example".into());
    let now = initial(&fakes, &world, tenant).await;
    assert_eq!((now.email.as_str(), now.stale), ("another@acme.example", false), "they sign in with that");
    change(|owner| owner.email = "owner@acme.example".into());
    // Another address in the record is none in n8n.
    let update = "update tenants set email = 'new@acme.example' where id = $1";
    sqlx::query(update).bind(tenant).execute(&pool).await.unwrap();
    let now = initial(&fakes, &world, tenant).await;
    assert_eq!((now.email.as_str(), now.stale), ("owner@acme.example", false));
    choose(&fakes, tenant, "Own-choice-1");
    assert!(initial(&fakes, &world, tenant).await.stale);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_reset_happens_once_and_a_later_one_replaces_it(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, world) = (tenant(&fakes).await, fakes.world("logins"));
    let before = initial(&fakes, &world, tenant).await.password;
    // By the clocks of those who accepted them, the later one is the earlier one.
    let (other, one) = (ResetId::generate(), ResetId::generate());
    accepted(&fakes, tenant, one).await;
    let first = reset(&fakes, &world, tenant, one).await.unwrap();
    assert!(opens(&fakes, tenant, &first) && !opens(&fakes, tenant, before.expose_secret()));
    assert_eq!(reset(&fakes, &world, tenant, one).await.as_ref(), Ok(&first));
    let login = initial(&fakes, &world, tenant).await;
    assert_eq!((login.password.expose_secret(), login.stale), (first.as_str(), false));

    accepted(&fakes, tenant, other).await;
    let second = reset(&fakes, &world, tenant, other).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(reset(&fakes, &world, tenant, one).await, Err(Kind::Conflict));
    assert!(opens(&fakes, tenant, &second));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_repeat_leaves_the_password_alone_that_the_owner_chose(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, world) = (tenant(&fakes).await, fakes.world("logins"));
    let id = accepted(&fakes, tenant, ResetId::generate()).await;
    let asked = ResetLogin { tenant, cluster: None, reset: id, disable_mfa: true, recorded: true };
    let first = ask(&fakes, &world, asked.clone()).await.unwrap();
    assert!(!first.stale);
    choose(&fakes, tenant, "Own-choice-1");
    let again = ask(&fakes, &world, asked).await.unwrap();
    assert!(opens(&fakes, tenant, "Own-choice-1"));
    assert!(again.stale && again.password.expose_secret() == first.password.expose_secret());
    assert_eq!(again.email, first.email);
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn resets_of_a_former_release_are_ordered_by_their_ids(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, world) = (tenant(&fakes).await, fakes.world("logins"));
    let (one, other) = (ResetId::generate(), ResetId::generate());
    let former = |reset| ResetLogin { tenant, cluster: None, reset, disable_mfa: false, recorded: false };
    let last = ask(&fakes, &world, former(other)).await.unwrap();
    assert_eq!(ask(&fakes, &world, former(one)).await.err(), Some(Kind::Conflict));
    // Accepted by it, and repeated to a gateway of this one.
    assert_eq!(reset(&fakes, &world, tenant, one).await, Err(Kind::Conflict));
    assert!(opens(&fakes, tenant, last.password.expose_secret()));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn nobody_is_told_or_given_a_password_of_what_is_the_platforms_own(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (shared, world) = (tenant_of(&fakes, "shared").await, fakes.world("logins"));
    let asked = AskInitialLogin { tenant: shared, cluster: None };
    let told = questions::initial_login(&fakes.pool, &world, asked).await;
    assert_eq!(told.map_err(|error| error.kind()).err(), Some(Kind::NotFound));
    assert_eq!(reset(&fakes, &world, shared, ResetId::generate()).await, Err(Kind::NotFound));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn resets_at_once_leave_one_password_on_both_sides(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, world) = (tenant(&fakes).await, fakes.world("logins"));
    let resets = (0..6).map(|_| reset(&fakes, &world, tenant, ResetId::generate()));
    futures::future::join_all(resets).await;
    let login = initial(&fakes, &world, tenant).await;
    assert!(!login.stale && opens(&fakes, tenant, login.password.expose_secret()));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn a_reset_that_was_cut_off_is_completed_by_its_repeat(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let (tenant, world) = (tenant(&fakes).await, fakes.world("logins"));
    for fault in [n8n::fake::Fault::BeforeEffect, n8n::fake::Fault::AfterEffect] {
        let id = ResetId::generate();
        fakes.databases.inject("reset_owner", fault);
        assert_eq!(reset(&fakes, &world, tenant, id).await, Err(Kind::Unavailable));
        let password = reset(&fakes, &world, tenant, id).await.unwrap();
        assert!(opens(&fakes, tenant, &password));
        assert!(!initial(&fakes, &world, tenant).await.stale);
    }
    let nobody = reset(&fakes, &world, TenantId::generate(), ResetId::generate()).await;
    assert_eq!(nobody, Err(Kind::NotFound));
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs Postgres: deploy/test"]
async fn who_shares_an_n8n_signs_in_under_an_address_that_tells_nothing(pool: PgPool) {
    let fakes = Fakes::new(&pool);
    let instance = tenant_of(&fakes, "shared").await;
    let tenant = fakes.accept_in(instance).await;
    assert_eq!(fakes.run(&CreateTenant).await, End::Succeeded);
    let world = fakes.world("logins");
    let hash = || fakes.members.members(&Name::of(instance))[0].password_hash.clone();
    let opens = |password: &SecretString| account::is_hash_of(password, &hash());

    let first = initial(&fakes, &world, tenant).await;
    assert_eq!((first.email.as_str(), first.stale), (format!("{tenant}@tenants.invalid").as_str(), false));
    assert!(opens(&first.password));

    let once = accepted(&fakes, tenant, ResetId::generate()).await;
    let second = reset(&fakes, &world, tenant, once).await.unwrap();
    assert!(opens(&second.clone().into()) && !opens(&first.password));
    assert_eq!(reset(&fakes, &world, tenant, once).await, Ok(second.clone()), "the same again");
    let now = initial(&fakes, &world, tenant).await;
    assert_eq!((now.password.expose_secret(), now.stale), (second.as_str(), false));

    let of_the_instance = AskInitialLogin { tenant: instance, cluster: None };
    assert!(questions::initial_login(&pool, &world, of_the_instance).await.is_err());
}
