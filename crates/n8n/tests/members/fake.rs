//! The fake keeps the contract, and fails as it is told to.

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use n8n::account;
use n8n::databases::{
    ApiKeyRow, Migrate, MigrationFailed, MigrationTarget, Name, Owner, TenantDatabases as _,
};
use n8n::fake::{DatabaseWorld, FakeMembers, Fault, MemberWorld};
use n8n::members::{ActiveWorkflow, ExecutionId, Main, Member, MemberError, Members, WorkflowId};
use secrecy::SecretString;

use crate::contract::{self, Stage, limits, member};
use crate::support::VERSION;

struct Fake {
    databases: DatabaseWorld,
    world: MemberWorld,
    members: FakeMembers,
    main: Main,
}

struct Nothing;

#[async_trait::async_trait]
impl Migrate for Nothing {
    async fn migrate(&self, _: &MigrationTarget) -> Result<(), MigrationFailed> {
        Ok(())
    }
}

impl Fake {
    async fn new() -> Self {
        let (databases, instance) = (DatabaseWorld::default(), Name::of(TenantId::generate()));
        let server = databases.actor("instance");
        let key = account::generate_key().unwrap();
        server.ensure_template(VERSION, &Nothing).await.unwrap();
        server.ensure_role(&instance, &key, 5).await.unwrap();
        server.ensure_database(&instance, &instance, VERSION).await.unwrap();
        let owner = Owner {
            email: "platform@tenants.invalid".into(),
            first_name: "P".into(),
            last_name: "P".into(),
            password_hash: "hash".into(),
        };
        server.seed_owner(&instance, &owner).await.unwrap();
        server.seed_api_key(&instance, &ApiKeyRow { label: "rp9".into(), token: key.clone() }).await.unwrap();
        server.ensure_shared_schema(&instance).await.unwrap();
        let world = MemberWorld::of(&databases);
        let main = Main { instance, address: "http://main:5678".parse().unwrap(), key };
        Self { members: world.actor("a"), databases, world, main }
    }
}

#[async_trait::async_trait(?Send)]
impl Stage for Fake {
    fn members(&self) -> &dyn Members {
        &self.members
    }

    fn main(&self) -> Main {
        self.main.clone()
    }

    fn jwt_secret(&self) -> SecretString {
        "secret".into()
    }

    async fn save(&self, member: &Member, path: &str) -> ActiveWorkflow {
        let workflow = WorkflowId(format!("{}-{path}", member.place.project));
        self.world.change(&self.main.instance, &member.place.project, |member| {
            member.workflows.insert(workflow.clone(), Some("v1".into()));
        });
        ActiveWorkflow { workflow, version: "v1".into() }
    }

    async fn begin(&self, member: &Member, _: &ActiveWorkflow) {
        self.world.change(&self.main.instance, &member.place.project, |member| {
            member.running.insert(ExecutionId(7));
        });
    }
}

#[tokio::test]
async fn members_live_and_go() {
    contract::lives(&Fake::new().await).await;
}

#[tokio::test]
async fn a_lost_answer_leaves_the_effect_and_an_n8n_that_is_away_none() {
    let fake = Fake::new().await;
    let (members, instance, one) = (&fake.members, &fake.main.instance, member(&fake.jwt_secret()));
    fake.world.inject("ensure", Fault::AfterEffect);
    assert_eq!(members.ensure(instance, &one).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(fake.world.members(instance).len(), 1);
    fake.world.inject("set_limits", Fault::BeforeEffect);
    members.set_limits(instance, &one.place.project, limits(1, None)).await.unwrap_err();
    assert_eq!(fake.world.member(instance, &one.place.project).unwrap().limits, one.limits);
    fake.world.set_main_away(true);
    assert_eq!(members.remove(&fake.main, &one.place).await.unwrap_err().kind(), Kind::Unavailable);
    fake.world.set_main_away(false);
    let stranger = Main { key: "another".into(), ..fake.main() };
    assert!(matches!(members.remove(&stranger, &one.place).await, Err(MemberError::Key)));
    members.remove(&fake.main, &one.place).await.unwrap();
    let seen: Vec<_> = fake.world.ledger().iter().map(|entry| (entry.verb, entry.took_effect)).collect();
    assert_eq!(seen[..2], [("ensure", true), ("set_limits", false)]);
}

#[tokio::test]
async fn whoever_lives_in_an_instance_goes_with_its_database() {
    let fake = Fake::new().await;
    let (instance, one) = (&fake.main.instance, member(&fake.jwt_secret()));
    fake.members.ensure(instance, &one).await.unwrap();
    fake.databases.actor("b").remove_database(instance).await.unwrap();
    assert_eq!(fake.members.left(instance, &one.place).await.unwrap_err().kind(), Kind::NotFound);
}
