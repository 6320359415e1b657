//! A tenant's n8n, as its customer uses it: through the edge, under its own host name.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Value, json};

use crate::{Api, eventually, first_tenant};

/// Somebody at a tenant's address.
#[derive(Clone)]
pub struct Customer {
    client: Client,
    url: Url,
    key: Option<String>,
    cookie: Option<String>,
}

impl Customer {
    /// Whoever goes to this tenant's address. Its host leads to this machine, as `*.localhost` does in a browser.
    pub async fn of(api: &Api, tenant: &str) -> Self {
        let url: Url = api.tenant(tenant).await["login_url"].as_str().unwrap().parse().unwrap();
        let here = SocketAddr::from(([127, 0, 0, 1], url.port_or_known_default().unwrap()));
        let client = Client::builder()
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .resolve(url.host_str().unwrap(), here)
            .build()
            .unwrap();
        Self { client, url, key: None, cookie: None }
    }

    /// Whoever has just moved into an n8n that others share, and signed in; the tenant's id.
    pub async fn moved_in(api: &Api) -> (String, Self) {
        Self::moved_in_on(api, "starter").await
    }

    /// The same on this plan.
    pub async fn moved_in_on(api: &Api, plan: &str) -> (String, Self) {
        Self::at_last(api, api.create_sharing(plan).await).await
    }

    /// The same in an n8n of their own on this plan.
    pub async fn settled(api: &Api, plan: &str) -> (String, Self) {
        Self::at_last(api, api.create_tenant(plan).await).await
    }

    /// The same on this release of n8n.
    pub async fn settled_on(api: &Api, plan: &str, n8n_version: &str) -> (String, Self) {
        Self::at_last(api, api.create_on(plan, n8n_version).await).await
    }

    async fn at_last(api: &Api, (tenant, operation): (String, String)) -> (String, Self) {
        api.succeeds(&operation).await;
        let mut customer = Self::of(api, &tenant).await;
        customer.sign_in(api, &tenant).await;
        (tenant, customer)
    }

    /// The owner of the tenant that `deploy/up` made, signed in; the tenant's id. What tests activated there before is gone.
    pub async fn of_the_first_tenant(api: &Api) -> (String, Self) {
        let tenant = first_tenant();
        let mut customer = Self::of(api, &tenant).await;
        customer.sign_in(api, &tenant).await;
        let list = customer.read("/api/v1/workflows?name=echo&limit=250").await.unwrap();
        for workflow in list["data"].as_array().unwrap() {
            customer.remove(workflow["id"].as_str().unwrap()).await;
        }
        (tenant, customer)
    }

    /// Switches a workflow off and removes it, as soon as n8n lets it go.
    pub async fn remove(&self, workflow: &str) {
        let path = format!("/api/v1/workflows/{workflow}");
        self.post(&format!("{path}/deactivate"), &json!({})).await.unwrap();
        eventually("the workflow is deleted", Duration::from_secs(30), async || {
            let gone = self.with_key(self, Method::DELETE, &path).send().await.map_err(|e| e.to_string())?;
            if gone.status().is_success() { Ok(()) } else { Err(gone.text().await.unwrap_or_default()) }
        })
        .await;
    }

    /// A request to this path of the tenant's address.
    pub fn get(&self, path: &str) -> RequestBuilder {
        let mut url = self.url.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        self.client.get(url)
    }

    /// Posts JSON; the answer, or why there is none.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let mut request = self.client.post(self.url.join(path).unwrap()).json(body);
        if let Some(key) = &self.key {
            request = request.header("x-n8n-api-key", key);
        }
        answer(request).await
    }

    /// Posts JSON as anybody does; the answer, whatever it says.
    pub async fn call(&self, path: &str, body: &Value) -> Result<reqwest::Response, String> {
        self.client.post(self.url.join(path).unwrap()).json(body).send().await.map_err(|e| e.to_string())
    }

    /// Waits until a call to this path is answered with 200.
    pub async fn is_answered(&self, path: &str) {
        eventually(path, Duration::from_secs(60), async || {
            let answer = self.call(path, &json!({})).await?;
            if answer.status() == 200 { Ok(()) } else { Err(answer.status().to_string()) }
        })
        .await;
    }

    /// Reads from n8n's public API.
    pub async fn read(&self, path: &str) -> Result<Value, String> {
        answer(self.get(path).header("x-n8n-api-key", self.key.as_ref().unwrap())).await
    }

    /// A request of any kind to this path, which is sent as it is written.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.url.as_str().trim_end_matches('/');
        self.client.request(method, format!("{base}{path}"))
    }

    /// The same with this one's session, or with this one's key; also at somebody else's address.
    pub fn signed_in(&self, as_somebody: &Self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("cookie", as_somebody.cookie.as_ref().unwrap())
    }

    pub fn with_key(&self, of_somebody: &Self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("x-n8n-api-key", of_somebody.key.as_ref().unwrap())
    }

    /// Signs in with the first login that the platform tells, and makes an API key, as an owner would.
    pub async fn sign_in(&mut self, api: &Api, tenant: &str) {
        let login = api.get(&format!("/tenants/{tenant}/initial-login")).await.unwrap();
        assert_eq!(login.status, 200, "{login:?}");
        let (email, password) = (&login.body["data"]["email"], &login.body["data"]["password"]);
        let body = json!({ "emailOrLdapLoginId": email, "password": password });
        let response =
            self.client.post(self.url.join("/rest/login").unwrap()).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let scopes = [
            "workflow:create",
            "workflow:read",
            "workflow:update",
            "workflow:delete",
            "workflow:list",
            "workflow:activate",
            "workflow:deactivate",
            "execution:list",
            "execution:read",
            "execution:delete",
            "credential:create",
            "credential:delete",
        ];
        // Each has a label of its own, or n8n refuses it.
        let label = format!("e2e-{}", uuid::Uuid::now_v7());
        let key = json!({ "label": label, "expiresAt": null, "scopes": scopes });
        let request =
            self.client.post(self.url.join("/rest/api-keys").unwrap()).header("cookie", &cookie).json(&key);
        self.cookie = Some(cookie);
        let made = answer(request).await.unwrap();
        self.key = Some(made["data"]["rawApiKey"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned());
    }

    /// Stores a workflow and switches it on; its id. Its webhooks answer some moments later.
    pub async fn activate(&self, workflow: &Value) -> String {
        let stored = self.post("/api/v1/workflows", workflow).await.unwrap();
        let id = stored["id"].as_str().unwrap_or_else(|| panic!("{stored}")).to_owned();
        let activate = format!("/api/v1/workflows/{id}/activate");
        // A path is free some moments after another workflow gave it up.
        eventually("it is activated", Duration::from_secs(15), async || {
            self.post(&activate, &json!({})).await
        })
        .await;
        id
    }

    /// How many of a workflow's executions ended well.
    pub async fn succeeded(&self, workflow: &str) -> Result<usize, String> {
        let (mut count, mut cursor) = (0, String::new());
        loop {
            let path = format!("/api/v1/executions?workflowId={workflow}&status=success&limit=250{cursor}");
            let page = self.read(&path).await?;
            count += page["data"].as_array().map(Vec::len).ok_or(page.to_string())?;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(count),
            }
        }
    }
}

/// When a webhook answers its caller.
#[derive(Clone, Copy)]
pub enum Answers {
    /// With what the workflow's last node gives.
    WhenFinished,
    /// As soon as the execution is queued.
    WhenQueued,
}

async fn answer(request: RequestBuilder) -> Result<Value, String> {
    let response = request.send().await.map_err(|e| e.to_string())?;
    let status = response.status();
    let body = response.text().await.map_err(|e| e.to_string())?;
    if !status.is_success() {
        return Err(format!("{status}: {body}"));
    }
    Ok(serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

/// The same after so many seconds, in which the execution runs.
pub fn slow_workflow(path: &str, seconds: u32) -> Value {
    let mut workflow = webhook_workflow(path, Answers::WhenQueued);
    let wait = json!({
        "id": "33333333-3333-4333-8333-333333333333", "name": "Wait", "position": [100, 0], "type": "n8n-nodes-base.wait",
        "typeVersion": 1.1, "webhookId": uuid::Uuid::now_v7(), "parameters": { "amount": seconds, "unit": "seconds" },
    });
    let next = |node: &str| json!({ "main": [[{ "node": node, "type": "main", "index": 0 }]] });
    if let Some(nodes) = workflow["nodes"].as_array_mut() {
        nodes.push(wait);
    }
    workflow["connections"] = json!({ "Webhook": next("Wait"), "Wait": next("Echo") });
    workflow
}

/// A workflow that answers this, whoever calls its webhook.
pub fn saying_workflow(path: &str, said: &str) -> Value {
    let mut workflow = webhook_workflow(path, Answers::WhenFinished);
    workflow["nodes"][1]["parameters"]["assignments"]["assignments"][0]["value"] = json!(said);
    workflow
}

/// A workflow that gives back what is posted to a webhook.
pub fn webhook_workflow(path: &str, answers: Answers) -> Value {
    let mode = match answers {
        Answers::WhenFinished => "lastNode",
        Answers::WhenQueued => "onReceived",
    };
    json!({
        "name": "echo",
        "settings": {},
        "nodes": [
            {
                "id": "11111111-1111-4111-8111-111111111111", "name": "Webhook", "position": [0, 0],
                "type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": uuid::Uuid::now_v7(),
                "parameters": { "httpMethod": "POST", "path": path, "responseMode": mode },
            },
            {
                "id": "22222222-2222-4222-8222-222222222222", "name": "Echo", "position": [200, 0],
                "type": "n8n-nodes-base.set", "typeVersion": 3.4,
                "parameters": {
                    "assignments": { "assignments": [
                        { "id": "a", "name": "echo", "type": "string", "value": "={{ $json.body.say }}" },
                    ] },
                },
            },
        ],
        "connections": { "Webhook": { "main": [[{ "node": "Echo", "type": "main", "index": 0 }]] } },
    })
}
