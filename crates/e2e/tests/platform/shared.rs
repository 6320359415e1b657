//! An n8n that the platform runs for tenants to share: made, kept apart inside, healed, told to nobody, and removed.

use std::time::Duration;

use e2e::{Answers, Api, Command, Service, docker, eventually, labelled, webhook_workflow};
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

/// One who shares it, inside its main.
const MEMBER: &str = include_str!("member.js");

/// What may be done with a key of one who shares it.
const SCOPES: &str = r#"["workflow:create","workflow:read","workflow:activate"]"#;

struct Shared {
    api: Api,
    id: String,
    name: String,
}

/// One who shares it: the ids of their user, their key, and their project, which is the prefix of their webhooks.
struct Member {
    user: Uuid,
    key: Uuid,
    prefix: String,
}

impl Shared {
    async fn made(api: &Api) -> Self {
        let made = api.command(&Command::share()).await.unwrap();
        assert_eq!(made.status, 201, "{made:?}");
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        api.succeeds(&text("operation_id")).await;
        Self { api: api.clone(), id: text("id"), name: text("name") }
    }

    fn containers(&self, of: &str) -> Vec<String> {
        labelled("container", &self.id).into_iter().filter(|name| name.contains(of)).collect()
    }

    /// What n8n's database answers.
    fn sql(&self, statement: &str) -> Result<String, String> {
        let postgres = Service::of("postgres");
        let psql = ["exec", postgres.name(), "psql", "-qAtU", "postgres", "-d", &self.id, "-v"];
        docker(&[&psql[..], &["ON_ERROR_STOP=1", "-c", statement]].concat())
    }

    /// As the platform will write them: no API of n8n's makes such a one.
    fn join(&self) -> Member {
        let project: String = Uuid::now_v7().simple().to_string().chars().skip(16).collect();
        let member = Member { user: Uuid::now_v7(), key: Uuid::now_v7(), prefix: project };
        let Member { user, key, prefix } = &member;
        let token = self.does(&member, "key", "")["key"].as_str().unwrap().to_owned();
        let rows = format!(
            r#"with u as (insert into "user" (id, email, "firstName", "lastName", "roleSlug", settings)
                    values ('{user}', '{user}@tenants.invalid', 'Workspace', '', 'global:tenant', '{{"userActivated": false}}') returning id),
                p as (insert into project (id, name, type, "creatorId") select '{prefix}', 'My workspace', 'personal', id from u returning id),
                r as (insert into project_relation ("projectId", "userId", role)
                      select p.id, u.id, 'project:personalOwner' from p, u),
                k as (insert into user_api_keys (id, "userId", label, "apiKey", scopes, audience)
                      select '{}', id, 'rp9', '{token}', '{SCOPES}'::json, 'public-api' from u)
            insert into rp9.tenant (project_id, user_id, concurrent) select p.id, u.id, 2 from p, u"#,
            key.simple()
        );
        self.sql(&rows).unwrap();
        member
    }

    /// What becomes of something that this one does.
    fn does(&self, member: &Member, does: &str, with: &str) -> Value {
        self.try_to(member, does, with).unwrap()
    }

    /// The same while its main may be away.
    fn try_to(&self, member: &Member, does: &str, with: &str) -> Result<Value, String> {
        let (user, key) = (format!("USER={}", member.user), format!("KEY={}", member.key));
        let (does, with) = (format!("DO={does}"), format!("WORKFLOW={with}"));
        let main = self.containers("-main").pop().ok_or("there is no main")?;
        let environment = ["--env", &user, "--env", &key, "--env", &does, "--env", &with];
        let arguments = [&["exec"], &environment[..], &[&main, "node", "-e", MEMBER]].concat();
        let output = docker(&arguments)?;
        let last = output.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|error| format!("{error}: {output}"))
    }

    /// Saves a workflow that listens at this path; its id, and what was made of it.
    fn save(&self, member: &Member, path: &str) -> (String, Value) {
        let workflow = webhook_workflow(path, Answers::WhenFinished).to_string();
        let saved = self.does(member, "save", &workflow);
        assert_eq!(saved["status"], 200, "{saved}");
        let saved: Value = serde_json::from_str(saved["text"].as_str().unwrap()).unwrap();
        (saved["id"].as_str().unwrap().to_owned(), saved["nodes"][0].clone())
    }

    async fn answers(&self, member: &Member, path: &str, after: &str) {
        let what = format!("its webhook answers after {after}");
        eventually(&what, Duration::from_secs(180), async || {
            let called = self.try_to(member, "call", &format!("{}/{path}", member.prefix))?;
            let well =
                called["status"] == 200 && called["text"].as_str().is_some_and(|text| text.contains("hello"));
            if well { Ok(()) } else { Err(called.to_string()) }
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn one_is_made_keeps_strangers_apart_heals_and_goes() {
    let api = Api::of_environment();
    let shared = Shared::made(&api).await;
    assert_eq!(labelled("container", &shared.id).len(), 3, "a main and two workers");
    every_process_has_the_hooks(&shared);
    nobody_but_staff_finds_it(&shared).await;
    nobody_but_the_platform_reaches_its_api_with_the_platforms_key(&shared);

    let member = shared.join();
    let (workflow, node) = shared.save(&member, "orders");
    assert_eq!(
        node["parameters"]["path"],
        format!("{}/orders", member.prefix),
        "saving puts it under the prefix"
    );
    let activated = shared.does(&member, "activate", &workflow);
    assert_eq!(activated["status"], 200, "{activated}");
    shared.answers(&member, "orders", "it was switched on").await;
    what_gets_past_saving_is_refused(&shared, &member);

    // Everything at once: what is missing is made anew, what is down is started.
    docker(&["rm", "--force", &shared.containers("-main")[0]]).unwrap();
    shared.containers("-worker").iter().for_each(|worker| drop(docker(&["kill", worker]).unwrap()));
    shared.answers(&member, "orders", "its containers were killed").await;
    every_process_has_the_hooks(&shared);
    what_gets_past_saving_is_refused(&shared, &member);
    let begun =
        shared.sql(&format!("select executions from rp9.started where project_id = '{}'", member.prefix));
    assert!(begun.unwrap().parse::<u32>().unwrap() >= 2, "each execution counts");

    gone(shared).await;
}

fn every_process_has_the_hooks(shared: &Shared) {
    for container in labelled("container", &shared.id) {
        let told = docker(&["exec", &container, "printenv", "EXTERNAL_HOOK_FILES"]).unwrap();
        docker(&["exec", &container, "test", "-r", &told]).unwrap();
    }
}

/// Somebody wrote into n8n's tables: neither the hook before activation nor the trigger lets it through.
fn what_gets_past_saving_is_refused(shared: &Shared, member: &Member) {
    let (workflow, _) = shared.save(member, &format!("stray-{}", Uuid::now_v7().simple()));
    for (table, column) in [("workflow_entity", "id"), ("workflow_history", "\"workflowId\"")] {
        let strip = format!(
            "update {table} set nodes = replace(nodes::text, '{}/', '')::json where {column} = '{workflow}'",
            member.prefix
        );
        shared.sql(&strip).unwrap();
    }
    let refused = shared.does(member, "activate", &workflow);
    let said = refused["text"].as_str().unwrap();
    assert!(refused["status"] == 400 && said.contains("is not one of this workspace's"), "{refused}");
    let taken = shared.sql("update webhook_entity set \"webhookPath\" = 'orders'").unwrap_err();
    assert!(
        taken.contains("is not one of this workspace''s") || taken.contains("is not one of this workspace's"),
        "{taken}"
    );
}

async fn nobody_but_staff_finds_it(shared: &Shared) {
    let Shared { api, id, name } = shared;
    let portal = api.as_a("service");
    for path in [format!("/tenants/{id}"), format!("/tenants/{name}"), format!("/tenants/{id}/logs")] {
        assert_eq!(portal.get(&path).await.unwrap().status, 404, "{path}");
    }
    for path in ["/tenants", "/operations"] {
        let listed = portal.get(path).await.unwrap();
        assert!(listed.status == 200 && !listed.body.to_string().contains(id.as_str()), "{path}: {listed:?}");
    }
    assert_eq!(portal.get("/shared-instances").await.unwrap().status, 403);
    let listed = api.as_a("operator").get("/shared-instances").await.unwrap();
    let own = listed.body["data"].as_array().unwrap().iter().find(|one| one["id"] == **id).unwrap().clone();
    assert_eq!((&own["state"], &own["tenants"]), (&"active".into(), &0.into()));
    assert_eq!(api.get(&format!("/tenants/{id}/initial-login")).await.unwrap().status, 404);
}

/// The way that the provisioner has, and whoever lives in there or beside it has not, even with the key.
fn nobody_but_the_platform_reaches_its_api_with_the_platforms_key(shared: &Shared) {
    let key = shared.sql(r#"select "apiKey" from user_api_keys where label = 'rp9 control plane'"#).unwrap();
    let ask = |edge: &str| {
        let url = format!("http://{edge}:8002/{}/api/v1/users", shared.id);
        format!(
            "fetch('{url}', {{ headers: {{ 'x-n8n-api-key': '{key}' }} }}).then((answer) => console.log(answer.status))"
        )
    };
    let main = &shared.containers("-main")[0];
    let image = docker(&["inspect", "--format", "{{.Config.Image}}", main]).unwrap();
    // Where the provisioner is, with a program that can ask.
    let network = format!("container:{}", Service::of("provisioner").name());
    let beside = ["run", "--rm", "--network", &network, "--entrypoint", "node", &image, "-e"];
    let platform = docker(&[&beside[..], &[&ask("traefik")]].concat()).unwrap();
    let tenant = docker(&["exec", main, "node", "-e", &ask("edge")]).unwrap();
    assert_eq!((platform.as_str(), tenant.as_str()), ("200", "404"));
}

async fn gone(shared: Shared) {
    let Shared { api, id, .. } = shared;
    let key = Some(Uuid::now_v7().to_string());
    let path = format!("/shared-instances/{id}");
    let delete = Command { method: Method::DELETE, path, body: String::new(), key };
    let removed = api.command(&delete).await.unwrap();
    assert_eq!(removed.status, 202, "{removed:?}");
    api.succeeds(removed.body["operation_id"].as_str().unwrap()).await;
    for kind in ["container", "network", "volume"] {
        assert_eq!(labelled(kind, &id), [""; 0], "{kind}s are left");
    }
}
