//! What everybody who works with members relies on.

use std::num::{NonZeroU32, NonZeroU64};

use common::error::{Classify as _, Kind};
use common::id::TenantId;
use futures::future::join_all;
use n8n::account::{self, ApiKeySigner, UserId};
use n8n::databases::Name;
use n8n::members::{
    ActiveWorkflow, ExecutionId, Expected, Flaw, Main, Member, MemberError, MemberLimits, Members, Place,
    ProjectId, WorkflowId,
};
use secrecy::SecretString;
use uuid::Uuid;

/// A shared n8n, and what goes on in it without the platform.
#[async_trait::async_trait(?Send)]
pub trait Stage: Sync {
    fn members(&self) -> &dyn Members;

    fn main(&self) -> Main;

    /// What the n8n signs keys with.
    fn jwt_secret(&self) -> SecretString;

    /// The member saves a workflow that listens, and makes it active.
    async fn save(&self, member: &Member, path: &str) -> ActiveWorkflow;

    /// A caller begins an execution that does not end by itself.
    async fn begin(&self, member: &Member, workflow: &ActiveWorkflow);
}

pub fn limits(concurrent: u32, month: Option<u64>) -> MemberLimits {
    let executions_month = month.map(|month| NonZeroU64::new(month).unwrap());
    MemberLimits { concurrent: NonZeroU32::new(concurrent).unwrap(), executions_month }
}

/// Somebody new.
pub fn member(jwt_secret: &SecretString) -> Member {
    let place = Place { user: UserId(Uuid::now_v7()), project: ProjectId::generate().unwrap() };
    let (key, signer) = (Uuid::now_v7(), ApiKeySigner { secret: jwt_secret });
    Member {
        tenant: TenantId::generate(),
        password_hash: account::hash_password(&"Correct-horse-1".to_owned().into()).unwrap(),
        key,
        token: signer.sign(place.user, key, common::clock::now()).unwrap(),
        limits: limits(5, None),
        place,
    }
}

/// What should be there of this member.
pub fn expected(member: &Member) -> Expected {
    let Member { tenant, place, key, token, limits, .. } = member.clone();
    Expected { tenant, place, key, token, limits }
}

/// As soon as n8n is done with ending what was active. What passes is tried again, as operations do: n8n has answered 500 there while it was at
/// that, once in some hundred runs.
pub async fn is_removed(members: &dyn Members, main: &Main, place: &Place) {
    until("n8n has ended what was active", async || match members.remove(main, place).await {
        Err(error) if error.kind().is_transient() => false,
        removed => {
            removed.unwrap();
            true
        }
    })
    .await;
}

/// Asks until the answer satisfies.
pub async fn until(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let waiting = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
        while !ask().await {
            ticks.tick().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// One member from the beginning to the end, beside another whom nothing of it concerns.
pub async fn lives(stage: &dyn Stage) {
    let (members, main) = (stage.members(), stage.main());
    let [one, other] = [(); 2].map(|()| member(&stage.jwt_secret()));
    is_made(members, &main.instance, &one).await;
    members.ensure(&main.instance, &other).await.unwrap();
    is_checked(members, &main.instance, [&one, &other]).await;
    let bystander = stage.save(&other, "orders").await;

    let saved = [stage.save(&one, "orders").await, stage.save(&one, "users/:id").await];
    rests_and_comes_back(stage, &one, saved).await;
    stops(stage, &one).await;
    goes(stage, &one).await;

    assert_eq!(
        members.active_workflows(&main.instance, &other.place.project).await.unwrap(),
        std::slice::from_ref(&bystander)
    );
    assert!(members.webhooks(&main.instance, &other.place.project).await.unwrap() > 0);
    assert_eq!(members.deactivate(&main, &[bystander.workflow]).await.unwrap(), []);
    is_removed(members, &main, &other.place).await;
    assert_eq!(members.left(&main.instance, &other.place).await.unwrap(), []);
}

async fn is_made(members: &dyn Members, instance: &Name, one: &Member) {
    for made in join_all((0..8).map(|_| members.ensure(instance, one))).await {
        made.unwrap();
    }
    assert!(members.set_limits(instance, &one.place.project, limits(2, Some(1000))).await.unwrap());
    members.ensure(instance, &Member { limits: limits(3, None), ..one.clone() }).await.unwrap();
    members
        .reset_password(
            instance,
            &one.place,
            &account::hash_password(&"Another-1".to_owned().into()).unwrap(),
            true,
        )
        .await
        .unwrap();
    let login = members.login(instance, &one.place).await.unwrap();
    assert_eq!(login.email, n8n::members::email(one.tenant));
    assert!(account::is_hash_of(&"Another-1".to_owned().into(), &login.password_hash));
    // Nobody takes over a user, a project or an address that is somebody else's.
    let stranger = member(&one.token);
    let by_user = Place { user: one.place.user, ..stranger.place.clone() };
    let by_project = Place { project: one.place.project.clone(), ..stranger.place.clone() };
    let takeovers = [
        Member { place: by_user, ..stranger.clone() },
        Member { place: by_project, ..stranger.clone() },
        Member { tenant: one.tenant, ..stranger.clone() },
    ];
    for takeover in takeovers {
        let error = members.ensure(instance, &takeover).await.unwrap_err();
        assert!(
            matches!(&error, MemberError::Taken(project) if *project == takeover.place.project),
            "{error}"
        );
        assert_eq!(error.kind(), Kind::Conflict);
    }
    assert_eq!(members.left(instance, &stranger.place).await.unwrap(), [], "a refused one leaves nothing");
    is_tolerated_when_absent(members, instance, &stranger.place).await;
}

/// Made with a limit of five, and brought to three.
async fn is_checked(members: &dyn Members, instance: &Name, [one, other]: [&Member; 2]) {
    let check = async |expected: &[Expected]| {
        let checked = members.check(instance, expected).await.unwrap();
        assert!(!checked.common_differs);
        checked.flawed.unwrap()
    };
    let (three, whole) = (limits(3, None), expected(other));
    let now = || Expected { limits: three, ..expected(one) };
    assert_eq!(check(&[]).await, []);
    assert_eq!(check(&[now(), whole.clone()]).await, []);
    assert_eq!(check(&[whole.clone(), expected(one)]).await, [(one.tenant, vec![Flaw::LimitsDiffer])]);
    let nobody = expected(&member(&one.token));
    let missing = vec![Flaw::UserMissing, Flaw::ProjectMissing, Flaw::LimitsDiffer];
    let key = Expected { token: "another".into(), ..now() };
    assert_eq!(
        check(&[nobody.clone(), whole, key]).await,
        [(nobody.tenant, missing), (one.tenant, vec![Flaw::KeyDiffers])]
    );
    members.set_disabled(instance, &one.place, true).await.unwrap();
    members.set_suspended(instance, &one.place.project, true).await.unwrap();
    assert_eq!(check(&[now()]).await, [(one.tenant, vec![Flaw::Disabled, Flaw::Suspended])]);
    members.set_disabled(instance, &one.place, false).await.unwrap();
    members.set_suspended(instance, &one.place.project, false).await.unwrap();
    assert_eq!(check(&[now()]).await, []);
    let elsewhere = Name::of(TenantId::generate());
    assert_eq!(members.check(&elsewhere, &[now()]).await.unwrap_err().kind(), Kind::NotFound);
}

async fn is_tolerated_when_absent(members: &dyn Members, instance: &Name, nobody: &Place) {
    let project = &nobody.project;
    assert!(!members.set_limits(instance, project, limits(1, None)).await.unwrap());
    assert!(!members.set_suspended(instance, project, true).await.unwrap());
    assert!(!members.set_disabled(instance, nobody, true).await.unwrap());
    assert_eq!(members.active_workflows(instance, project).await.unwrap(), []);
    assert_eq!(members.running(instance, project).await.unwrap(), []);
    assert_eq!(members.webhooks(instance, project).await.unwrap(), 0);
    assert_eq!(members.usage(instance, project).await.unwrap().0.len(), 0);
    let nobodys = members.reset_password(instance, nobody, "hash", false).await.unwrap_err();
    assert_eq!(nobodys.kind(), Kind::NotFound);
    assert_eq!(members.login(instance, nobody).await.unwrap_err().kind(), Kind::NotFound);
    let elsewhere = Name::of(TenantId::generate());
    assert_eq!(members.running(&elsewhere, project).await.unwrap_err().kind(), Kind::NotFound);
}

async fn rests_and_comes_back(stage: &dyn Stage, one: &Member, mut saved: [ActiveWorkflow; 2]) {
    let (members, main) = (stage.members(), stage.main());
    let (instance, project) = (&main.instance, &one.place.project);
    saved.sort();
    assert_eq!(members.active_workflows(instance, project).await.unwrap(), saved);
    let nowhere = WorkflowId("noSuchWorkflow12".into());
    let mut all: Vec<_> = saved.iter().map(|active| active.workflow.clone()).collect();
    all.push(nowhere.clone());
    for _ in 0..2 {
        assert!(members.set_suspended(instance, project, true).await.unwrap());
        assert!(members.set_disabled(instance, &one.place, true).await.unwrap());
        let skipped = members.deactivate(&main, &all).await.unwrap();
        assert!(matches!(&skipped[..], [gone] if gone.gone && gone.workflow == nowhere), "{skipped:?}");
        until("its webhooks are gone", async || members.webhooks(instance, project).await.unwrap() == 0)
            .await;
        assert_eq!(members.active_workflows(instance, project).await.unwrap(), []);
        let counts = members.counts(instance, project).await.unwrap();
        assert_eq!((counts.workflows, counts.active_workflows), (2, 0));
    }
    for _ in 0..2 {
        assert!(members.set_disabled(instance, &one.place, false).await.unwrap());
        assert_eq!(members.activate(&main, &saved).await.unwrap(), []);
        until("its webhooks are back", async || members.webhooks(instance, project).await.unwrap() == 2)
            .await;
        assert!(members.set_suspended(instance, project, false).await.unwrap());
        assert_eq!(members.active_workflows(instance, project).await.unwrap(), saved);
    }
    let gone = ActiveWorkflow { workflow: nowhere, version: saved[0].version.clone() };
    let skipped = members.activate(&main, &[gone]).await.unwrap();
    assert!(skipped[0].gone, "{skipped:?}");
}

async fn stops(stage: &dyn Stage, one: &Member) {
    let (members, main) = (stage.members(), stage.main());
    let (instance, project) = (&main.instance, &one.place.project);
    let slow = stage.save(one, "slow").await;
    stage.begin(one, &slow).await;
    until("it runs", async || members.running(instance, project).await.unwrap().len() == 1).await;
    let running = members.running(instance, project).await.unwrap();
    for _ in 0..2 {
        members.stop(&main, &running).await.unwrap();
        until("it ends", async || members.running(instance, project).await.unwrap().is_empty()).await;
    }
    members.stop(&main, &[ExecutionId(i32::MAX)]).await.unwrap();
}

async fn goes(stage: &dyn Stage, one: &Member) {
    let (members, main) = (stage.members(), stage.main());
    let (instance, project) = (&main.instance, &one.place.project);
    let refused = members.remove(&main, &one.place).await.unwrap_err();
    assert!(matches!(refused, MemberError::StillActive(_)), "{refused}");
    let left = members.left(instance, &one.place).await.unwrap();
    assert!(left.iter().any(|left| left.table == "user" && left.rows == 1), "{left:?}");
    let active = members.active_workflows(instance, project).await.unwrap();
    let active: Vec<_> = active.into_iter().map(|active| active.workflow).collect();
    assert_eq!(members.deactivate(&main, &active).await.unwrap(), []);
    for _ in 0..2 {
        is_removed(members, &main, &one.place).await;
        assert_eq!(members.left(instance, &one.place).await.unwrap(), []);
    }
    for _ in 0..2 {
        members.forget(instance, project).await.unwrap();
        assert_eq!(members.usage(instance, project).await.unwrap().0.len(), 0);
        assert_eq!(members.left(instance, &one.place).await.unwrap(), []);
    }
    assert!(!members.set_suspended(instance, project, true).await.unwrap());
}
