//! Two tenants who share an n8n: one tries to see, call, change, take over or use up what is the other's, in every way that it has.

use std::time::{Duration, Instant};

use e2e::{Answers, Api, Customer, eventually, saying_workflow, slow_workflow, webhook_workflow};
use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A tenant with somebody signed in, a workflow that is active, and what is theirs alone.
struct Resident {
    id: String,
    customer: Customer,
    workflow: String,
    /// What their workflow answers, and nothing else does.
    mark: String,
    project: String,
    user: String,
}

impl Resident {
    async fn of(api: &Api) -> Self {
        let (id, customer) = Customer::moved_in(api).await;
        let mark = format!("belongs to {id}");
        let workflow = customer.activate(&saying_workflow("orders", &mark)).await;
        let own = customer.signed_in(&customer, Method::GET, "/rest/projects/personal").send().await.unwrap();
        let own: Value = own.json().await.unwrap();
        let me = customer.signed_in(&customer, Method::GET, "/rest/login").send().await.unwrap();
        let me: Value = me.json().await.unwrap();
        let text =
            |value: &Value| value["data"]["id"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
        let (project, user) = (text(&own), text(&me));
        let resident = Self { id, customer, workflow, mark, project, user };
        resident.is_called("/webhook/orders").await;
        resident
    }

    /// Their own workflow answers.
    async fn is_called(&self, path: &str) {
        eventually("their own workflow answers", Duration::from_secs(60), async || {
            let answer =
                self.customer.call(path, &json!({})).await?.text().await.map_err(|e| e.to_string())?;
            if answer.contains(&self.mark) { Ok(()) } else { Err(answer) }
        })
        .await;
    }

    async fn execution(&self) -> String {
        let list = self.customer.read("/api/v1/executions?limit=1").await.unwrap();
        list["data"][0]["id"].to_string().trim_matches('"').to_owned()
    }

    /// All that would give them away.
    fn traces(&self) -> [&str; 5] {
        [&self.id, &self.workflow, &self.mark, &self.project, &self.user]
    }
}

/// What is asked, and whether it is to be refused; else it may be answered, with nothing of the other in it.
struct Attempt(String, RequestBuilder, bool);

async fn fail(attempts: Vec<Attempt>, other: &Resident) {
    let mut got_in = vec![];
    let count = attempts.len();
    for Attempt(what, request, is_refused) in attempts {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        // What was asked with is no news to whoever asked.
        let tells = other.traces().iter().any(|trace| text.contains(trace) && !what.contains(*trace));
        if tells || (is_refused && !(400..500).contains(&status)) {
            got_in.push(format!("{what}: {status} {}", text.chars().take(300).collect::<String>()));
        }
    }
    assert!(got_in.is_empty(), "{} of {count}: {got_in:#?}", got_in.len());
    eprintln!("{count} attempts, each refused");
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn nothing_of_the_other_is_to_be_had() {
    let api = Api::of_environment();
    let (a, b) = tokio::join!(Resident::of(&api), Resident::of(&api));
    let credential =
        json!({ "name": "secret", "type": "httpBasicAuth", "data": { "user": "u", "password": "p" } });
    let credential =
        b.customer.post("/api/v1/credentials", &credential).await.unwrap()["id"].as_str().unwrap().to_owned();
    let two = Two { a: &a, b: &b, credential, execution: b.execution().await };
    fail(two.by_key(), &b).await;
    fail(two.by_session(), &b).await;
    fail(by_path(&a, &b), &b).await;
    let own = a.customer.signed_in(&a.customer, Method::POST, INPUTS).json(&inputs_of(&a.workflow));
    assert_eq!(own.send().await.unwrap().status(), 200, "of one's own it is told");
    imported_workflows_take_nothing_over(&a, &b).await;
    nodes_reach_nothing_inside(&a).await;
    one_at_its_limit_keeps_nobody_waiting(&a, &b).await;

    // Everything is as it was.
    b.is_called("/webhook/orders").await;
    a.is_called("/webhook/orders").await;
    b.customer.read(&format!("/api/v1/workflows/{}", b.workflow)).await.unwrap();
    for resident in [a, b] {
        api.delete_tenant(&resident.id).await;
    }
}

/// Where the editor asks what a sub-workflow is to be given.
const INPUTS: &str = "/rest/dynamic-node-parameters/local-resource-mapper-fields";

fn inputs_of(workflow: &str) -> Value {
    json!({
        "path": "parameters.workflowInputs", "methodName": "loadSubWorkflowInputs",
        "nodeTypeAndVersion": { "name": "n8n-nodes-base.executeWorkflow", "version": 1.2 },
        "currentNodeParameters": { "workflowId": { "__rl": true, "mode": "id", "value": workflow } },
    })
}

/// What is asked with a key: how, whether it is to be refused, and with what body.
const BY_KEY: &str = r#"
GET    /api/v1/workflows/OTHER                                  refused
PUT    /api/v1/workflows/OTHER                                  refused  WORKFLOW
DELETE /api/v1/workflows/OTHER                                  refused
POST   /api/v1/workflows/OTHER/activate                         refused  {}
POST   /api/v1/workflows/OTHER/deactivate                       refused  {}
GET    /api/v1/workflows/OTHER/tags                             refused
PUT    /api/v1/workflows/OWN/transfer                           refused  {"destinationProjectId":"PROJECT"}
PUT    /api/v1/workflows/OTHER/transfer                         refused  {"destinationProjectId":"MINE"}
GET    /api/v1/workflows?limit=250                              nothing
GET    /api/v1/workflows?projectId=PROJECT                      nothing
GET    /api/v1/executions/EXECUTION                             refused
DELETE /api/v1/executions/EXECUTION                             refused
POST   /api/v1/executions/EXECUTION/retry                       refused  {}
GET    /api/v1/executions?projectId=PROJECT&includeData=true    nothing
GET    /api/v1/executions?workflowId=OTHER&includeData=true     nothing
DELETE /api/v1/credentials/CREDENTIAL                           refused
PUT    /api/v1/credentials/CREDENTIAL/transfer                  refused  {"destinationProjectId":"MINE"}
GET    /api/v1/users                                            refused
GET    /api/v1/users/USER                                       refused
DELETE /api/v1/users/USER                                       refused
GET    /api/v1/tags                                             refused
POST   /api/v1/tags                                             refused  {"name":"t"}
GET    /api/v1/projects                                         refused
GET    /api/v1/variables                                        refused
POST   /api/v1/audit                                            refused  {}
GET    /api/v1/data-tables?projectId=PROJECT                    nothing
"#;

/// The same with a session.
const BY_SESSION: &str = r#"
GET    /rest/users                                              refused
GET    /rest/tags?withUsageCount=true                           refused
GET    /rest/workflows/OTHER                                    refused
PATCH  /rest/workflows/OTHER                                    refused  {"name":"mine"}
DELETE /rest/workflows/OTHER                                    refused
POST   /rest/workflows/OTHER/run                                refused  {}
POST   /rest/workflows/OTHER/archive                            refused  {}
POST   /rest/workflows/OTHER/deactivate                         refused  {}
PUT    /rest/workflows/OWN/share                                refused  {"shareWithIds":["PROJECT"]}
PUT    /rest/workflows/OWN/transfer                             refused  {"destinationProjectId":"PROJECT"}
GET    /rest/workflow-history/workflow/OTHER                    refused
GET    /rest/executions/EXECUTION                               nothing
POST   /rest/executions/EXECUTION/stop                          refused  {}
POST   /rest/executions/EXECUTION/retry                         refused  {}
GET    /rest/credentials/CREDENTIAL                             refused
PATCH  /rest/credentials/CREDENTIAL                             refused  {"name":"mine"}
DELETE /rest/credentials/CREDENTIAL                             refused
GET    /rest/credentials                                        nothing
GET    /rest/projects/PROJECT                                   refused
GET    /rest/projects/PROJECT/data-tables                       refused
GET    /rest/projects                                           nothing
GET    /rest/projects/count                                     nothing
POST   /rest/invitations                                        refused  [{"email":"x@y.co","role":"global:admin"}]
POST   /rest/owner/setup                                        refused  {}
PATCH  /rest/users/USER/role                                    refused  {"newRoleName":"global:admin"}
PATCH  /rest/me                                                 refused  {"email":"owner@tenants.invalid","firstName":"A","lastName":"B"}
POST   /rest/dynamic-node-parameters/local-resource-mapper-fields  refused  INPUTS
POST   /rest/webhooks/find                                      nothing  {"path":"PROJECT/orders","method":"POST"}
GET    /rest/eventbus/destination                               refused
GET    /rest/license                                            nothing
GET    /rest/settings                                           nothing
"#;

/// The attempts that a table describes, each made by this request.
fn attempts(table: &str, of: &Two<'_>, request: impl Fn(Method, &str) -> RequestBuilder) -> Vec<Attempt> {
    let lines = of.put_into(table);
    let attempt = |line: &str| {
        let mut words = line.splitn(2, char::is_whitespace);
        let (method, rest) = (words.next().unwrap(), words.next().unwrap().trim());
        let (path, rest) = rest.split_once(char::is_whitespace).unwrap();
        let (expected, body) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        let request = request(method.parse().unwrap(), path);
        let body: Option<Value> = serde_json::from_str(body.trim()).ok();
        let request = body.iter().fold(request, |request, body| request.json(body));
        Attempt(line.to_owned(), request, expected == "refused")
    };
    lines.trim().lines().map(attempt).collect()
}

/// Who tries it, on whom.
struct Two<'a> {
    a: &'a Resident,
    b: &'a Resident,
    credential: String,
    execution: String,
}

impl Two<'_> {
    fn put_into(&self, table: &str) -> String {
        let Self { a, b, credential, execution } = self;
        let workflow = saying_workflow("orders", "mine now").to_string();
        let inputs = inputs_of("OTHER").to_string();
        let words = [
            ("INPUTS", &inputs),
            ("OTHER", &b.workflow),
            ("OWN", &a.workflow),
            ("PROJECT", &b.project),
            ("MINE", &a.project),
            ("USER", &b.user),
            ("CREDENTIAL", credential),
            ("EXECUTION", execution),
            ("WORKFLOW", &workflow),
        ];
        words.iter().fold(table.to_owned(), |table, (word, value)| table.replace(word, value))
    }

    fn by_key(&self) -> Vec<Attempt> {
        let Self { a, b, .. } = self;
        let mut attempts =
            attempts(BY_KEY, self, |method, path| a.customer.with_key(&a.customer, method, path));
        let elsewhere = b.customer.with_key(&a.customer, Method::GET, "/api/v1/workflows");
        attempts.push(Attempt("their own key at the other's address".into(), elsewhere, true));
        let forged = a.customer.with_key(&b.customer, Method::GET, "/api/v1/workflows");
        let forged = forged.header("x-rp9-shared-tenant", format!("{} http://somewhere", b.user));
        attempts.push(Attempt("the other's key at their own, with a header".into(), forged, true));
        attempts
    }

    fn by_session(&self) -> Vec<Attempt> {
        let Self { a, b, .. } = self;
        let mut attempts =
            attempts(BY_SESSION, self, |method, path| a.customer.signed_in(&a.customer, method, path));
        let elsewhere = b.customer.signed_in(&a.customer, Method::GET, "/rest/workflows");
        attempts.push(Attempt("their own session at the other's address".into(), elsewhere, true));
        attempts
    }
}

/// On their own host. Nothing that is answered is the other's.
fn by_path(a: &Resident, b: &Resident) -> Vec<Attempt> {
    let (own, other) = (&a.project, &b.project);
    let encoded: String = other.bytes().map(|byte| format!("%{byte:02x}")).collect();
    [
        format!("/webhook/{other}/orders"),
        format!("/WEBHOOK/{other}/orders"),
        format!("//webhook//{other}/orders"),
        format!("/webhook/{own}/../{other}/orders"),
        format!("/webhook/{own}/%2e%2e/{other}/orders"),
        format!("/webhook/{own}/%252e%252e/{other}/orders"),
        format!("/webhook/{own}%2f..%2f{other}/orders"),
        format!("/webhook%2f{other}/orders"),
        format!("/%77ebhook/{other}/orders"),
        format!("/x/../webhook/{other}/orders"),
        format!("/webhook;x/{other}/orders"),
        format!("/webhook/{encoded}/orders"),
        format!("/webhook/{}/orders", other.to_uppercase()),
        format!("/webhook-test/{other}/orders"),
        format!("/form/{other}/orders"),
        format!("/mcp/{other}/orders"),
        format!("/webhook/./{other}/orders"),
        format!("/webhook/{other}//orders"),
        format!("/webhook/{other}/{other}/orders"),
        format!("/webhook/{own}/{other}/orders"),
    ]
    .into_iter()
    .map(|path| {
        let request = a.customer.request(Method::POST, &path).json(&json!({}));
        Attempt(format!("path: {path}, to {other}"), request, true)
    })
    .collect()
}

async fn imported_workflows_take_nothing_over(a: &Resident, b: &Resident) {
    let theirs = b.customer.read(&format!("/api/v1/workflows/{}", b.workflow)).await.unwrap();
    let take = |name: &str| theirs[name].clone();
    let mut copy = json!({ "name": "taken", "settings": {}, "nodes": take("nodes"), "connections": take("connections") });
    copy["nodes"][1] = saying_workflow("x", "taken over")["nodes"][1].clone();
    let saved = a.customer.activate(&copy).await;
    let now = a.customer.read(&format!("/api/v1/workflows/{saved}")).await.unwrap();
    let path = now["nodes"][0]["parameters"]["path"].as_str().unwrap();
    assert!(path.starts_with(&format!("{}/", a.project)), "{path}");
    // Theirs answers under their own prefix, the other's where it was.
    eventually("the copy listens at its own place", Duration::from_secs(60), async || {
        let answer = a.customer.call(&format!("/webhook/{path}"), &json!({})).await?;
        let text = answer.text().await.map_err(|e| e.to_string())?;
        if text.contains("taken over") { Ok(()) } else { Err(text) }
    })
    .await;
    b.is_called("/webhook/orders").await;
    b.is_called(&format!("/webhook/{}/orders", b.project)).await;
}

/// A workflow that fetches what it is told to, and says what became of it.
fn fetching() -> Value {
    let mut workflow = webhook_workflow("fetch", Answers::WhenFinished);
    workflow["nodes"][1] = json!({
        "id": "22222222-2222-4222-8222-222222222222", "name": "Echo", "position": [200, 0], "onError": "continueRegularOutput",
        "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2,
        "parameters": { "url": "={{ $json.body.url }}", "options": { "timeout": 5000 } },
    });
    workflow
}

/// A workflow that looks around in its process.
fn looking_around() -> Value {
    let mut workflow = webhook_workflow("look", Answers::WhenFinished);
    let code = r#"
const found = {};
const look = (name, of) => { try { const it = of(); if (it !== undefined && it !== null) found[name] = String(it).slice(0, 80); } catch (error) {} };
look('process', () => process.env.DB_POSTGRESDB_PASSWORD ?? process.pid);
look('fs', () => require('fs').readdirSync('/').join());
look('net', () => require('net').connect);
look('child', () => require('child_process').execSync('id'));
look('env', () => $env.N8N_ENCRYPTION_KEY);
look('global', () => globalThis.somebodys);
globalThis.somebodys = 'something';
return [{ json: { found } }];"#;
    workflow["nodes"][1] = json!({
        "id": "22222222-2222-4222-8222-222222222222", "name": "Echo", "position": [200, 0],
        "type": "n8n-nodes-base.code", "typeVersion": 2, "parameters": { "jsCode": code },
    });
    workflow
}

async fn nodes_reach_nothing_inside(a: &Resident) {
    for workflow in [fetching(), looking_around()] {
        a.customer.activate(&workflow).await;
    }
    let run = async |path: &str, body: Value| {
        eventually("their workflow runs", Duration::from_secs(60), async || {
            let answer = a.customer.call(path, &body).await?;
            if answer.status() == 404 {
                return Err("not yet".to_owned());
            }
            answer.text().await.map_err(|e| e.to_string())
        })
        .await
    };
    let urls = [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:5678/healthz",
        "http://[::1]:5678/healthz",
        "http://[::ffff:127.0.0.1]:5678/healthz",
        "http://2130706433:5678/healthz",
        "http://0x7f000001:5678/healthz",
        "http://0.0.0.0:5678/healthz",
        "http://127.1:5678/healthz",
        "http://localhost:5678/healthz",
        "http://edge:8000/",
        "http://edge:8002/",
        "http://postgres:5432/",
        "http://redis:6379/",
        "http://gateway:8080/health",
        "http://172.17.0.1/",
        "file:///etc/passwd",
    ];
    for url in urls {
        let said = run("/webhook/fetch", json!({ "url": url })).await;
        assert!(said.contains("error") && !said.contains("\"status\":\"ok\""), "{url}: {said}");
    }
    for _ in 0..2 {
        let found = run("/webhook/look", json!({})).await;
        assert!(found.contains("\"found\":{}"), "{found}");
    }
    for node in ["executeCommand", "readWriteFile", "git", "function", "localFileTrigger"] {
        let mut workflow = saying_workflow(&format!("no-{node}"), "ran");
        workflow["nodes"][1] = json!({ "id": "x", "name": "Echo", "position": [0, 0], "type": format!("n8n-nodes-base.{node}"),
            "typeVersion": 1, "parameters": {} });
        let saved = a.customer.post("/api/v1/workflows", &workflow).await;
        let Ok(saved) = saved else { continue };
        let path = format!("/api/v1/workflows/{}/activate", saved["id"].as_str().unwrap());
        let active = a.customer.post(&path, &json!({})).await;
        assert!(active.is_err(), "{node}: {active:?}");
    }
}

/// Twenty calls that take their time, at a limit of two: the other is answered meanwhile as ever.
async fn one_at_its_limit_keeps_nobody_waiting(a: &Resident, b: &Resident) {
    let slow = a.customer.activate(&slow_workflow("slow", 3)).await;
    eventually("the slow one listens", Duration::from_secs(60), async || {
        let status = a.customer.call("/webhook/slow", &json!({})).await?.status();
        if status == 200 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    let busy =
        join_all((0..20).map(|_| async {
            a.customer.call("/webhook/slow", &json!({})).await.map(|a| a.status().as_u16())
        }));
    let other = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            b.is_called("/webhook/orders").await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(busy, other);
    eprintln!("at its limit: {answers:?}; the other waited {slowest:?} at most");
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    eventually("all of them run in the end", Duration::from_secs(120), async || {
        let ran = a.customer.succeeded(&slow).await?;
        if ran >= 21 { Ok(()) } else { Err(format!("{ran} of 21")) }
    })
    .await;
}
