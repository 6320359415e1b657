//! A reconciler on a real record and a world of fakes, and the time it goes by.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::Fakes;
use common::{
    id::TenantId,
    operations::{End, Request as _, Wake},
    service::Readiness,
};
use n8n::{databases::Name, fake::FakeMember};
use provisioner::{CreateTenant, EngineTrust, HealTenant, Reconciler, Report, TakeOver};
use sqlx::PgPool;
use wire::kinds::TenantHeal;

/// What happened before is long enough ago for a reconciler to judge.
const STEADY: Duration = Duration::from_secs(60);

pub struct Scene {
    pub fakes: Fakes,
    pub reconciler: Reconciler,
    pub engine_trust: EngineTrust,
    pub readiness: Readiness,
    pub now: Instant,
}

impl Scene {
    pub fn new(pool: &PgPool) -> Self {
        Self::on(Fakes::new(pool), None)
    }

    /// Another process in the same world.
    pub fn on(fakes: Fakes, take_over: Option<TakeOver>) -> Self {
        let readiness = Readiness::default();
        let engine_trust = EngineTrust::new(readiness.clone(), take_over);
        let (pool, world) = (fakes.pool.clone(), Arc::new(fakes.world("reconciler")));
        let reconciler = Reconciler::new(pool, world, Wake::default(), engine_trust.clone());
        Self { fakes, reconciler, engine_trust, readiness, now: Instant::now() }
    }

    /// With a tenant that has been well for a while.
    pub async fn with_tenant(pool: &PgPool) -> (Self, TenantId) {
        let mut scene = Self::new(pool);
        let tenant = scene.create().await;
        scene.look().await;
        scene.after(STEADY).await;
        (scene, tenant)
    }

    pub async fn create(&self) -> TenantId {
        let tenant = self.fakes.accept("pro").await;
        assert_eq!(self.run(&CreateTenant).await, End::Succeeded);
        tenant
    }

    /// An n8n that is shared, with so many tenants in it, which have been well for a while.
    pub async fn with_sharing(pool: &PgPool, count: usize) -> (Self, TenantId, Vec<TenantId>) {
        let mut scene = Self::new(pool);
        let instance = scene.fakes.accept("shared").await;
        assert_eq!(scene.run(&CreateTenant).await, End::Succeeded);
        let mut tenants = vec![];
        for _ in 0..count {
            tenants.push(scene.fakes.accept_in(instance).await);
            assert_eq!(scene.run(&CreateTenant).await, End::Succeeded);
        }
        scene.look().await;
        scene.after(STEADY).await;
        (scene, instance, tenants)
    }

    /// Changes what a tenant is in the n8n that it shares, as somebody with a console would.
    pub async fn damage(&self, tenant: TenantId, damage: impl FnOnce(&mut FakeMember)) {
        let place = "select shared_instance, shared_project from tenants where id = $1";
        let place = sqlx::query_as(place).bind(tenant).fetch_one(&self.fakes.pool).await;
        let (instance, project): (String, String) = place.unwrap();
        let instance = Name::of(TenantId::from_uuid(instance.parse().unwrap()));
        self.fakes.members.change(&instance, &project.parse().unwrap(), damage);
    }

    pub async fn run<S: common::operations::Saga<World = provisioner::World>>(
        &self,
        saga: &'static S,
    ) -> End {
        self.fakes.run(saga).await
    }

    /// One pass.
    pub async fn look(&mut self) -> Report {
        self.reconciler.pass_at(self.now).await.unwrap()
    }

    /// One pass, so long after the last one.
    pub async fn after(&mut self, time: Duration) -> Report {
        self.now += time;
        self.look().await
    }

    /// The operation that was asked for heals the tenant.
    pub async fn heals(&self) {
        assert_eq!(self.run(&HealTenant).await, End::Succeeded);
    }

    /// The operation that was asked for cannot heal the tenant.
    pub async fn gives_up_healing(&self) {
        assert_eq!(self.run(&HealTenant).await, End::RolledBack);
    }

    pub async fn healings(&self) -> i64 {
        let count = sqlx::query_scalar("select count(*) from operations where kind = $1");
        count.bind(TenantHeal::KIND.name).fetch_one(&self.fakes.pool).await.unwrap()
    }

    /// What was told under this kind.
    pub async fn told(&self, kind: &str) -> Vec<serde_json::Value> {
        let told = "select data from event_outbox where kind = $1 order by seq";
        sqlx::query_scalar(told).bind(kind).fetch_all(&self.fakes.pool).await.unwrap()
    }

    pub async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.fakes.pool).await.unwrap();
    }
}

pub fn main_of(tenant: TenantId) -> String {
    format!("rp9-{}-blue-main", tenant.digits())
}

pub fn worker_of(tenant: TenantId, ordinal: u8) -> String {
    format!("rp9-{}-blue-worker-{ordinal}", tenant.digits())
}
