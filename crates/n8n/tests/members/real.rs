//! The contract, kept by a main and a worker of the real n8n with the hooks loaded, and what members themselves notice of it.

use std::time::Duration;

use common::tenant::Purpose;
use n8n::account;
use n8n::launch::{PORT, Role};
use n8n::members::{ActiveWorkflow, Member, MemberError, Members, WorkflowId, email};
use n8n::queues::TenantQueues as _;
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::answers::answered;
use crate::contract::{self, Stage, is_removed, member, until};
use crate::external;
use crate::instance::Instance;
use crate::support::{Container, instance, queues};

const MAIN: u16 = 25_878;
const WORKER: u16 = 25_978;

struct Real {
    instance: Instance,
    client: Client,
    main: Container,
    worker: Container,
}

fn ports(main: bool) -> Vec<(&'static str, String)> {
    let (port, broker) = if main { (MAIN, MAIN + 1) } else { (WORKER, WORKER + 1) };
    let name = if main { "N8N_PORT" } else { "QUEUE_HEALTH_CHECK_PORT" };
    vec![(name, port.to_string()), ("N8N_RUNNERS_BROKER_PORT", broker.to_string())]
}

async fn is_ready(container: &Container, port: u16) -> bool {
    let check = container.launch.health_check.clone().unwrap();
    let moved: Vec<_> = check.iter().map(|part| part.replace(&PORT.to_string(), &port.to_string())).collect();
    container.exec(&moved).await
}

/// Listens, and ends at once, unless its path says that it is slow.
fn workflow(path: &str) -> Value {
    let node = |name: &str, kind: &str, version: f64, parameters: Value| {
        json!({
            "id": name, "name": name, "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version,
            "position": [0, 0], "parameters": parameters, "webhookId": name,
        })
    };
    let pause = if path == "slow" { "await new Promise((done) => setTimeout(done, 50000));" } else { "" };
    let hook = json!({ "path": path, "httpMethod": "GET", "responseMode": "lastNode", "options": {} });
    let code = json!({ "jsCode": format!("{pause} return [{{ json: {{ answer: 42 }} }}]") });
    let link = json!({ "Hook": { "main": [[{ "node": "Answer", "type": "main", "index": 0 }]] } });
    json!({
        "name": path, "settings": {}, "connections": link,
        "nodes": [node("Hook", "webhook", 2.0, hook), node("Answer", "code", 2.0, code)],
    })
}

impl Real {
    async fn new() -> Self {
        let seeded = Instance::new(&format!("http://127.0.0.1:{MAIN}")).await;
        queues().ensure_user(seeded.tenant, &seeded.secrets.redis_password).await.unwrap();
        let mut shared = instance(seeded.tenant);
        shared.purpose = Purpose::Shared;
        let main = Container::prepare(&shared, Role::Main, &seeded.secrets, &ports(true));
        let worker =
            Container::prepare(&shared, Role::Worker { concurrency: 5 }, &seeded.secrets, &ports(false));
        main.start().await;
        until("main is ready", async || is_ready(&main, MAIN).await).await;
        worker.start().await;
        until("worker is ready", async || is_ready(&worker, WORKER).await).await;
        let client = Client::builder().no_proxy().build().unwrap();
        Self { instance: seeded, client, main, worker }
    }

    fn at(path: &str) -> String {
        format!("http://127.0.0.1:{MAIN}{path}")
    }

    /// The public API, by the member's key.
    async fn api(&self, member: &Member, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.request(method, Self::at(&format!("/api/v1/{path}"))).json(&body);
        let answer = answered(request.header("X-N8N-API-KEY", member.token.expose_secret())).await;
        let status = answer.status();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn status(&self, member: &Member, path: &str) -> StatusCode {
        self.api(member, Method::GET, path, Value::Null).await.0
    }

    /// A session, by its cookie.
    async fn login(&self, member: &Member, password: &str) -> Option<String> {
        let login = json!({ "emailOrLdapLoginId": email(member.tenant), "password": password });
        let answer = answered(self.client.post(Self::at("/rest/login")).json(&login)).await;
        let cookie = answer.headers().get("set-cookie")?.to_str().ok()?.split(';').next()?;
        Some(cookie.to_owned())
    }

    async fn session(&self, cookie: &str) -> StatusCode {
        let request = self.client.get(Self::at("/rest/login")).header("cookie", cookie);
        answered(request).await.status()
    }

    async fn end(self) {
        drop((self.main, self.worker));
        self.instance.end().await;
        queues().remove(self.instance.tenant).await.unwrap();
    }
}

#[async_trait::async_trait(?Send)]
impl Stage for Real {
    fn members(&self) -> &dyn Members {
        &self.instance.members
    }

    fn main(&self) -> n8n::members::Main {
        self.instance.main.clone()
    }

    fn jwt_secret(&self) -> SecretString {
        self.instance.secrets.jwt_secret.clone()
    }

    async fn save(&self, member: &Member, path: &str) -> ActiveWorkflow {
        let (status, saved) = self.api(member, Method::POST, "workflows", workflow(path)).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        let id = saved["id"].as_str().unwrap().to_owned();
        let (status, active) =
            self.api(member, Method::POST, &format!("workflows/{id}/activate"), json!({})).await;
        assert_eq!(status, StatusCode::OK, "{active}");
        let version = saved["versionId"].as_str().unwrap().to_owned();
        ActiveWorkflow { workflow: WorkflowId(id), version }
    }

    async fn begin(&self, member: &Member, _: &ActiveWorkflow) {
        let url = Self::at(&format!("/webhook/{}/slow", member.place.project));
        until("it listens", async || {
            // It answers when it has ended: who gets no answer in time has begun one.
            let call = self.client.get(&url).timeout(Duration::from_millis(1500)).send().await;
            call.is_err_and(|error| error.is_timeout())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs servers: deploy/test"]
async fn members_of_the_real_n8n_live_and_go() {
    let real = Real::new().await;
    a_member_gets_in_at_once_and_only_to_what_is_theirs(&real).await;
    contract::lives(&real).await;
    what_n8n_does_not_activate_is_told_and_the_rest_is_active(&real).await;
    a_removal_that_is_cut_off_anywhere_is_finished_by_the_next(&real).await;
    a_key_that_n8n_does_not_know_is_told(&real).await;
    external::it_is_recognised_by_what_is_its_own_and_by_nothing_else(&real.instance).await;
    real.end().await;
}

async fn a_member_gets_in_at_once_and_only_to_what_is_theirs(real: &Real) {
    let (members, main) = (&real.instance.members, real.main());
    let [one, other] = [(); 2].map(|()| member(&real.jwt_secret()));
    for member in [&one, &other] {
        members.ensure(&main.instance, member).await.unwrap();
        assert_eq!(real.status(member, "workflows?limit=1").await, StatusCode::OK, "by its key");
    }
    let theirs = real.save(&other, "orders").await;
    for path in ["users", "tags", "variables", &format!("workflows/{}", theirs.workflow)] {
        assert_eq!(real.status(&one, path).await, StatusCode::FORBIDDEN, "{path}");
    }

    let session = real.login(&one, "Correct-horse-1").await.unwrap();
    assert_eq!(real.session(&session).await, StatusCode::OK);
    let hash = account::hash_password(&"Another-1".to_owned().into()).unwrap();
    members.reset_password(&main.instance, &one.place, &hash, true).await.unwrap();
    assert_eq!(real.session(&session).await, StatusCode::UNAUTHORIZED, "the session of before has ended");
    assert_eq!(real.login(&one, "Correct-horse-1").await, None);
    let session = real.login(&one, "Another-1").await.unwrap();

    members.set_disabled(&main.instance, &one.place, true).await.unwrap();
    assert_eq!(real.session(&session).await, StatusCode::UNAUTHORIZED);
    assert_eq!(real.status(&one, "workflows").await, StatusCode::UNAUTHORIZED);
    members.set_disabled(&main.instance, &one.place, false).await.unwrap();
    assert_eq!(real.status(&one, "workflows").await, StatusCode::OK);

    a_suspended_member_starts_nothing(real, &other).await;
    for member in [&one, &other] {
        members.set_disabled(&main.instance, &member.place, true).await.unwrap();
    }
    assert_eq!(members.deactivate(&main, &[theirs.workflow]).await.unwrap(), []);
    for member in [&one, &other] {
        members.remove(&main, &member.place).await.unwrap();
        assert_eq!(members.left(&main.instance, &member.place).await.unwrap(), []);
        members.forget(&main.instance, &member.place.project).await.unwrap();
    }
}

async fn a_suspended_member_starts_nothing(real: &Real, other: &Member) {
    let (members, instance, project) = (&real.instance.members, real.instance.name, &other.place.project);
    let url = Real::at(&format!("/webhook/{project}/orders"));
    let call = async || answered(real.client.get(&url)).await.status();
    until("it listens", async || call().await == StatusCode::OK).await;
    assert!(members.set_suspended(&instance, project, true).await.unwrap());
    assert_eq!(call().await, StatusCode::TOO_MANY_REQUESTS);
    assert!(members.set_suspended(&instance, project, false).await.unwrap());
    assert_eq!(call().await, StatusCode::OK);
    let usage = members.usage(&instance, project).await.unwrap();
    assert_eq!(usage.of_month(common::clock::now().date()), 2);
}

async fn what_n8n_does_not_activate_is_told_and_the_rest_is_active(real: &Real) {
    let (members, main, one) = (&real.instance.members, real.main(), member(&real.jwt_secret()));
    members.ensure(&main.instance, &one).await.unwrap();
    let good = [real.save(&one, "a").await, real.save(&one, "b").await];
    let [stray, pruned] = [real.save(&one, "c").await, real.save(&one, "d").await];
    let mut all = vec![stray.clone(), pruned.clone()];
    all.extend(good.clone());
    let ids: Vec<_> = all.iter().map(|one| one.workflow.clone()).collect();
    assert_eq!(members.deactivate(&main, &ids).await.unwrap(), []);
    let strip = format!(
        r#"UPDATE workflow_history SET nodes = replace(nodes::text, '{}/', '')::json WHERE "workflowId" = '{}'"#,
        one.place.project, stray.workflow
    );
    real.instance.sql(&strip).await;
    all[1].version = uuid::Uuid::now_v7().to_string();
    let skipped = members.activate(&main, &all).await.unwrap();
    let told: Vec<_> = skipped.iter().map(|skipped| (&skipped.workflow, skipped.gone)).collect();
    assert_eq!(told, [(&stray.workflow, false), (&pruned.workflow, true)], "{skipped:?}");
    assert!(skipped[0].reason.contains("is not one of this workspace's"), "{skipped:?}");
    let active = members.active_workflows(&main.instance, &one.place.project).await.unwrap();
    assert!(active.len() == 2 && good.iter().all(|good| active.contains(good)), "{active:?}");
    goes(real, &one).await;
}

/// Everything that the member's key can make, used once.
async fn settle(real: &Real, one: &Member) {
    real.instance.members.ensure(&real.instance.name, one).await.unwrap();
    let header = json!({ "name": "h", "type": "httpHeaderAuth", "data": { "name": "a", "value": "b" } });
    let table = json!({ "name": "t", "columns": [{ "name": "c", "type": "string" }] });
    for (path, body) in [("credentials", header), ("data-tables", table)] {
        let (status, made) = real.api(one, Method::POST, path, body).await;
        assert!(status.is_success(), "{path}: {status} {made}");
    }
    for path in ["one", "two"] {
        real.save(one, path).await;
        let url = Real::at(&format!("/webhook/{}/{path}", one.place.project));
        until("it is called", async || {
            real.client.get(&url).send().await.unwrap().status() == StatusCode::OK
        })
        .await;
    }
}

async fn goes(real: &Real, one: &Member) {
    let (members, main) = (&real.instance.members, real.main());
    let active = members.active_workflows(&main.instance, &one.place.project).await.unwrap();
    let active: Vec<_> = active.into_iter().map(|one| one.workflow).collect();
    assert_eq!(members.deactivate(&main, &active).await.unwrap(), []);
    is_removed(members, &main, &one.place).await;
    assert_eq!(members.left(&main.instance, &one.place).await.unwrap(), []);
    members.forget(&main.instance, &one.place.project).await.unwrap();
}

async fn a_removal_that_is_cut_off_anywhere_is_finished_by_the_next(real: &Real) {
    let (members, main) = (&real.instance.members, real.main());
    for after in [20, 60, 90, 130, 200, 400] {
        let one = member(&real.jwt_secret());
        settle(real, &one).await;
        members.set_suspended(&main.instance, &one.place.project, true).await.unwrap();
        members.set_disabled(&main.instance, &one.place, true).await.unwrap();
        let active = members.active_workflows(&main.instance, &one.place.project).await.unwrap();
        let active: Vec<_> = active.into_iter().map(|one| one.workflow).collect();
        let patience = Duration::from_millis(after);
        drop(tokio::time::timeout(patience / 4, members.deactivate(&main, &active)).await);
        assert_eq!(members.deactivate(&main, &active).await.unwrap(), []);
        drop(tokio::time::timeout(patience, members.remove(&main, &one.place)).await);
        // Another may be at it as well, and n8n may still be at what was cut off: then it says so, and the next one finishes it.
        drop(tokio::join!(members.remove(&main, &one.place), members.remove(&main, &one.place)));
        goes(real, &one).await;
    }
}

async fn a_key_that_n8n_does_not_know_is_told(real: &Real) {
    let stranger = n8n::members::Main { key: "another".into(), ..real.main() };
    let nowhere = [WorkflowId("noSuchWorkflow12".into())];
    let refused = real.instance.members.deactivate(&stranger, &nowhere).await;
    assert!(matches!(refused, Err(MemberError::Key)), "{refused:?}");
}
