//! A tenant with a lot in it is backed up while it is called, and comes back as it was, whatever is killed meanwhile.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use e2e::{
    Answers, Api, Command, Customer, Service, differing, docker, eventually, fill, fingerprint, labelled,
    main_of, sql, webhook_workflow,
};
use futures::{StreamExt, future::join, stream::FuturesUnordered};
use serde_json::{Value, json};
use tokio::{sync::watch, time};

const PATH: &str = "/webhook/e2e-large";
const EXECUTIONS: u32 = 100_000;
/// How long calls are looked at.
const WHILE: Duration = Duration::from_secs(30);

fn p95(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() * 95 / 100]
}

/// Calls so often until it is over, and what each took. Every one has to be answered.
async fn called(customer: &Customer, every: Duration, mut over: watch::Receiver<bool>) -> Duration {
    let (mut calls, mut took, mut tick) = (FuturesUnordered::new(), Vec::new(), time::interval(every));
    let call = async || {
        let begun = Instant::now();
        customer.post(PATH, &json!({ "say": "hello" })).await.unwrap();
        begun.elapsed()
    };
    let mut calling = true;
    loop {
        tokio::select! {
            _ = tick.tick(), if calling => calls.push(call()),
            Some(each) = calls.next() => took.push(each),
            _ = over.changed(), if calling => calling = false,
            else => return p95(took),
        }
    }
}

/// The tenant's calls, five a second, which is what two cores bear beside everything else, and a neighbour's, two, while something is done.
async fn beside(own: &Customer, neighbour: &Customer, work: impl Future<Output = ()>) -> [Duration; 2] {
    let (end, over) = watch::channel(false);
    let calls = join(
        called(own, Duration::from_millis(200), over.clone()),
        called(neighbour, Duration::from_millis(500), over),
    );
    let ((own, neighbour), ()) = join(calls, async {
        work.await;
        end.send(true).unwrap();
    })
    .await;
    [own, neighbour]
}

async fn serving(api: &Api, plan: &str) -> (String, Customer) {
    let (tenant, customer) = Customer::settled(api, plan).await;
    customer.activate(&webhook_workflow("e2e-large", Answers::WhenFinished)).await;
    serves(&customer).await;
    (tenant, customer)
}

async fn serves(customer: &Customer) {
    eventually("the webhook answers", Duration::from_secs(60), async || {
        customer.post(PATH, &json!({ "say": "hello" })).await
    })
    .await;
}

async fn done(api: &Api, tenant: &str, verb: &str, body: &Value) -> Value {
    let begun = Instant::now();
    let operation = api.operate(tenant, verb, body).await;
    let done = api.succeeds(&operation).await;
    println!("{verb} {body}: {:.1} s", begun.elapsed().as_secs_f64());
    done
}

async fn newest(api: &Api, tenant: &str) -> Value {
    api.get(&format!("/tenants/{tenant}/backups?limit=1")).await.unwrap().body["data"][0].clone()
}

#[tokio::test]
#[ignore = "needs a running platform: just long"]
async fn a_large_tenant_is_backed_up_while_it_is_called_and_comes_back_as_it_was() {
    let api = Api::of_environment();
    let ((tenant, own), (neighbour, other)) = (serving(&api, "pro").await, serving(&api, "starter").await);
    fill(&tenant, &own, EXECUTIONS).await;
    println!(
        "the database takes {}",
        sql(&tenant, "SELECT pg_size_pretty(pg_database_size(current_database()))")
    );

    let quiet = beside(&own, &other, time::sleep(WHILE)).await;
    let (begun, mut made) = (Instant::now(), 0);
    let busy = beside(&own, &other, async {
        while begun.elapsed() < WHILE {
            done(&api, &tenant, "backup", &json!({})).await;
            made += 1;
        }
    })
    .await;
    let ratio = |at: usize| busy[at].as_secs_f64() / quiet[at].as_secs_f64();
    println!(
        "p95 of calls: {quiet:?} before, {busy:?} during {made} backups: its own × {:.2}, the neighbour's × {:.2}",
        ratio(0),
        ratio(1)
    );

    done(&api, &tenant, "backup", &json!({})).await;
    let then = fingerprint(&tenant);
    let backup = newest(&api, &tenant).await;
    println!("{} bytes in the store", backup["bytes"]);
    let sandbox = done(&api, &tenant, "restore", &json!({ "restore_to_sandbox": true })).await;
    let copy = sandbox["tenant_id"].as_str().unwrap();
    comes_back_asleep(copy, &then);
    its_sandbox_is_removed(&api, &tenant, copy).await;
    comes_back_in_place(&api, &tenant, &own, (&backup, &then)).await;
    for tenant in [&tenant, &neighbour] {
        api.delete_tenant(tenant).await;
    }
}

async fn its_sandbox_is_removed(api: &Api, tenant: &str, copy: &str) {
    let sandboxes = api.get(&format!("/sandboxes?tenant={tenant}")).await.unwrap().body;
    let name = sandboxes["data"][0]["name"].as_str().unwrap_or_else(|| panic!("{sandboxes:#}"));
    let removed = api.command(&Command::remove(&format!("/sandboxes/{name}"))).await.unwrap();
    assert_eq!(removed.status, 202, "{removed:?}");
    api.succeeds(removed.body["operation_id"].as_str().unwrap()).await;
    assert_eq!(labelled("container", copy), [""; 0]);
}

/// Everything but what makes a copy sleep.
fn comes_back_asleep(sandbox: &str, then: &BTreeMap<String, String>) {
    reaches_nobody_and_begins_nothing(sandbox);
    let asleep = [
        "workflow_entity",
        "workflow_publication_outbox",
        "workflow_published_version",
        "scheduled_job",
        "scheduled_task",
    ];
    let differ = differing(then, &fingerprint(sandbox));
    assert!(differ.iter().all(|table| asleep.contains(table)), "{differ:?}");
    assert_eq!(sql(sandbox, "SELECT count(*) FROM workflow_entity WHERE active"), "0");
}

fn reaches_nobody_and_begins_nothing(sandbox: &str) {
    let main = main_of(sandbox);
    let outside = "fetch('http://1.1.1.1', { signal: AbortSignal.timeout(3000) }).then(() => process.exit(1), () => process.exit(0))";
    docker(&["exec", &main, "node", "-e", outside])
        .unwrap_or_else(|error| panic!("it reaches the outside: {error}"));
    let logs = docker(&["logs", &main]).unwrap();
    assert!(!logs.contains("Activated workflow"), "{logs}");
}

async fn comes_back_in_place(
    api: &Api,
    tenant: &str,
    customer: &Customer,
    (backup, then): (&Value, &BTreeMap<String, String>),
) {
    sql(
        tenant,
        "DELETE FROM workflow_entity WHERE NOT active; DELETE FROM credentials_entity; DELETE FROM execution_entity WHERE id % 3 = 0",
    );
    let asked = json!({ "restore_to_sandbox": false, "backup_id": backup["id"] });
    let restored = done(api, tenant, "restore", &asked).await;
    println!("{:#}", restored["steps"]);
    assert_eq!(differing(then, &fingerprint(tenant)), [""; 0]);
    serves(customer).await;
}

#[tokio::test]
#[ignore = "needs a running platform: just long"]
async fn whatever_moment_the_service_is_killed_at_a_backup_and_a_restore_end_well() {
    let api = Api::of_environment();
    let (tenant, own) = serving(&api, "starter").await;
    done(&api, &tenant, "backup", &json!({})).await;
    let backup = newest(&api, &tenant).await["id"].clone();
    let service = Service::of("backup");
    for moment in 0..20_u64 {
        let restores = moment % 4 == 3;
        let (verb, body) = if restores {
            ("restore", json!({ "restore_to_sandbox": false, "backup_id": backup }))
        } else {
            ("backup", json!({}))
        };
        let operation = api.operate(&tenant, verb, &body).await;
        // Moments all over the second or two that each takes: what is tried is that none of them is special.
        time::sleep(Duration::from_millis(37 + moment * 83)).await;
        service.kill();
        service.start();
        api.succeeds(&operation).await;
    }
    serves(&own).await;
    let list = api.get(&format!("/tenants/{tenant}/backups?limit=100")).await.unwrap().body;
    let odd: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| !["verified", "proven"].contains(&it["status"].as_str().unwrap()))
        .collect();
    assert!(odd.is_empty(), "{odd:#?}");
    eventually("nothing is left beside the tenant", Duration::from_secs(180), async || {
        let beside = sql(
            "postgres",
            &format!(
                "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE '{tenant}!_%' ESCAPE '!'"
            ),
        );
        if beside.is_empty() { Ok(()) } else { Err(beside) }
    })
    .await;
    api.delete_tenant(&tenant).await;
}
