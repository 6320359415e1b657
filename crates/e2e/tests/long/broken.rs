//! An n8n that does not serve is brought back, or said not to serve.

use std::time::{Duration, Instant};

use e2e::{Answers, Api, Customer, docker, eventually, redis, sql, webhook_workflow};
use futures::future::join_all;
use serde_json::json;

const PATH: &str = "/webhook/e2e-broken";
const HUNG: Duration = Duration::from_secs(120);
const LOCKED_OUT: Duration = Duration::from_secs(180);

struct Tenant {
    api: Api,
    id: String,
    main: String,
    customer: Customer,
}

impl Tenant {
    async fn serving() -> Self {
        let api = Api::of_environment();
        let (id, customer) = Customer::settled(&api, "starter").await;
        customer.activate(&webhook_workflow("e2e-broken", Answers::WhenFinished)).await;
        let main = api.tenant(&id).await["container_id"].as_str().unwrap().to_owned();
        let tenant = Self { api, id, main, customer };
        tenant.serves_within(Duration::from_secs(30), "it was switched on").await;
        tenant
    }

    async fn serves_within(&self, limit: Duration, after: &str) {
        let begun = Instant::now();
        eventually(&format!("calls are answered after {after}"), limit, async || {
            self.customer.post(PATH, &json!({ "say": "hello" })).await
        })
        .await;
        println!("served {:?} after {after}", begun.elapsed());
    }

    async fn heals(&self) -> usize {
        let answer = self.api.get(&format!("/operations?tenant={}&limit=100", self.id)).await.unwrap();
        let all = answer.body["data"].as_array().cloned().unwrap_or_default();
        all.iter().filter(|operation| operation["kind"] == "tenant.heal").count()
    }
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn a_main_that_hangs_is_replaced_by_one_operation() {
    let tenant = Tenant::serving().await;
    // Everything but the first process, which is not n8n; that one then.
    docker(&["exec", &tenant.main, "sh", "-c", "kill -STOP -1"]).unwrap();
    docker(&["kill", "--signal", "STOP", &tenant.main]).unwrap();
    tenant.serves_within(HUNG, "its main hung").await;
    eventually("it is healed", Duration::from_secs(30), async || match tenant.heals().await {
        1 => Ok(()),
        other => Err(format!("{other} operations")),
    })
    .await;
    tenant.api.delete_tenant(&tenant.id).await;
}

#[tokio::test]
#[ignore = "needs a running platform: deploy/test"]
async fn logins_that_were_changed_or_taken_away_are_given_back() {
    let tenants = join_all((0..3).map(|_| Tenant::serving())).await;
    let [password, login, queue] = &tenants[..] else { panic!("three tenants") };
    sql("postgres", &format!("ALTER ROLE {} PASSWORD 'x'", password.id));
    sql("postgres", &format!("ALTER ROLE {} NOLOGIN", login.id));
    redis(&format!("ACL SETUSER {} resetpass '>x'", queue.id)).unwrap();
    for tenant in &tenants {
        docker(&["restart", &tenant.main]).unwrap();
    }
    let damages = ["another password in Postgres", "no login in Postgres", "another password in Redis"];
    join_all(tenants.iter().zip(damages).map(|(tenant, damage)| tenant.serves_within(LOCKED_OUT, damage)))
        .await;
    for tenant in &tenants {
        tenant.api.delete_tenant(&tenant.id).await;
    }
}
