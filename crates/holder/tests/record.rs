//! The holder on a real record, before an edge that shows its page until it is told not to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends here"
)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::IntoResponse};
use bytes::Bytes;
use common::{database::MIGRATOR, id::TenantId, service::Tasks};
use edge::{
    EdgeToken,
    document::WAITING_HEADER,
    held::{DELIVERY_HEADER, TOKEN_HEADER},
};
use holder::{
    Config,
    accept::RECEIPT_HEADER,
    call::{Call, Headers},
    store::{self, Take},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

const HOST: &str = "acme.localhost";
/// What the edge answers while the tenant is away.
const PAGE: u16 = 0;
/// What runs goes on running.
const RUNS: u16 = 1;

/// A call as it reached n8n: its path, its body, and the how many-th time it is.
type Reached = (String, String, String);

#[derive(Clone, Default)]
struct Edge {
    answers: Arc<AtomicU16>,
    reached: Arc<Mutex<Vec<Reached>>>,
}

impl Edge {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, edge) = (format!("http://{}", listener.local_addr().unwrap()), self.clone());
        let router =
            Router::new().fallback(move |request: Request| async move { edge.answer(request).await });
        #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    async fn answer(&self, request: Request) -> axum::response::Response {
        let status = self.answers.load(Ordering::SeqCst);
        if status == PAGE {
            return (StatusCode::SERVICE_UNAVAILABLE, [(WAITING_HEADER, "not-ready")]).into_response();
        }
        assert_eq!(request.headers()["host"], HOST);
        let times = request.headers()[DELIVERY_HEADER].to_str().unwrap().to_owned();
        let path = request.uri().to_string();
        let body =
            String::from_utf8(request.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        self.reached.lock().unwrap().push((path, body.clone(), times));
        while self.answers.load(Ordering::SeqCst) == RUNS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let status = self.answers.load(Ordering::SeqCst);
        (StatusCode::from_u16(status).unwrap(), [("x-flow", "yes")], format!("ran {body}")).into_response()
    }

    fn reached(&self) -> Vec<Reached> {
        self.reached.lock().unwrap().clone()
    }
}

async fn tenant(record: &PgPool) -> TenantId {
    let tenant = TenantId::generate();
    for insert in [
        "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version)
         values ($1, 'Acme', 'ada@acme.example', 'acme', 'dedicated', 'active', 'pro', '2.41.1')",
        "insert into routes (host, tenant_id, targets, generation) values ('acme.localhost', $1, '[]', 1)",
    ] {
        sqlx::query(insert).bind(tenant).execute(record).await.unwrap();
    }
    tenant
}

fn token() -> EdgeToken {
    EdgeToken::from(secrecy::SecretString::from("edge"))
}

fn start(record: &PgPool, edge: &str, tasks: &Tasks) -> Router {
    let config = Config {
        bind: ([127, 0, 0, 1], 0).into(),
        edge_url: Some(edge.parse().unwrap()),
        wait_seconds: 20.try_into().unwrap(),
        keep_hours: 1.try_into().unwrap(),
    };
    holder::start(&config, (record, tasks), token()).unwrap().unwrap().port
}

fn call(path: &str) -> http::request::Builder {
    Request::post(path).header("host", "acme.localhost:8000").header(TOKEN_HEADER, token().authorization())
}

async fn hold(record: &PgPool, tenant: TenantId, (path, body): (&str, String)) -> Uuid {
    let call = Call {
        host: HOST.parse().unwrap(),
        method: Method::POST,
        target: path.to_owned(),
        headers: Headers::of(&HeaderMap::new()),
        body: Bytes::from(body),
    };
    let receipt = Uuid::new_v4();
    store::hold(record, (receipt, tenant), &call).await.unwrap();
    receipt
}

fn take() -> Take {
    Take { most: 10, of_tenant: 10, bytes: 1 << 20, without: vec![], away: vec![] }
}

async fn end(tasks: &Tasks) {
    tasks.finish(Duration::from_secs(10)).await.expect("every task ends");
}

/// Asks again and again, for as long as anything may take.
async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let asked = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap_or_else(|_| panic!("{what}"));
}

async fn states(record: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select distinct state from held_calls order by state")
        .fetch_all(record)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_caller_waits_for_the_answer_of_the_n8n_that_comes_back(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    tenant(&record).await;
    let port = start(&record, &edge.listen().await, &tasks);
    let asked = call("/webhook/orders?n=1")
        .header("x-sent", HeaderValue::from_bytes(b"\xe9").unwrap())
        .body(Body::from("seven"))
        .unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test has no service to track its tasks")]
    let waiting = tokio::spawn(port.clone().oneshot(asked));
    eventually("the call is held", async || states(&record).await == ["held"]).await;
    assert!(!waiting.is_finished(), "and nobody is answered");
    edge.answers.store(201, Ordering::SeqCst);
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-flow"]), (201, &"yes".parse().unwrap()));
    let receipt: Uuid = answer.headers()[RECEIPT_HEADER].to_str().unwrap().parse().unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ran seven");
    assert_eq!(edge.reached(), [("/webhook/orders?n=1".to_owned(), "seven".to_owned(), "1".to_owned())]);
    let kept = "select state, answer_status::int, length(body), jsonb_array_length(headers) from held_calls where receipt = $1";
    let kept: (String, i32, i32, i32) = sqlx::query_as(kept).bind(receipt).fetch_one(&record).await.unwrap();
    assert_eq!(kept, ("delivered".to_owned(), 201, 0, 0), "what the caller sent is kept no longer");
    end(&tasks).await;
}

/// Nobody waits with it, and it runs when the tenant is resumed; on a plan without that its callers get the page.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn calls_of_a_suspended_tenant_are_held_or_refused_as_its_plan_says(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    tenant(&record).await;
    let port = start(&record, &edge.listen().await, &tasks);
    let ask =
        async || port.clone().oneshot(call("/webhook/a").body(Body::from("kept")).unwrap()).await.unwrap();
    for suspend in [
        "update tenants set status = 'suspended', plan = 'starter'",
        "update routes set stand_in = 'suspended'",
    ] {
        sqlx::query(suspend).execute(&record).await.unwrap();
    }
    assert_eq!(ask().await.status(), 421, "the relay shows its page");
    sqlx::query("update tenants set plan = 'pro'").execute(&record).await.unwrap();
    let told = ask().await;
    assert_eq!(told.status(), 202);
    assert!(told.headers().contains_key(RECEIPT_HEADER));
    assert_eq!(states(&record).await, ["held"]);
    assert_eq!(store::oldest(&record).await.unwrap(), [], "it waits because somebody wants it to");
    sqlx::query("update tenants set status = 'active'").execute(&record).await.unwrap();
    sqlx::query("update routes set stand_in = null").execute(&record).await.unwrap();
    assert_eq!(store::oldest(&record).await.unwrap().len(), 1);
    edge.answers.store(200, Ordering::SeqCst);
    eventually("it runs", async || states(&record).await == ["delivered"]).await;
    assert_eq!(edge.reached(), [("/webhook/a".to_owned(), "kept".to_owned(), "1".to_owned())]);
    end(&tasks).await;
}

/// On the n8n's own host, which it tells to services, as on their own.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn a_call_to_a_shared_n8n_is_that_tenants_whose_prefix_it_has(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    let (instance, member) = (tenant(&record).await, TenantId::generate());
    for insert in [
        "insert into tenants (id, name, email, subdomain, mode, status, plan, n8n_version, shared_instance, shared_project)
         values ($1, 'Bee', 'bee@bee.example', 'bee', 'shared', 'suspended', 'starter', '2.41.1', $2::text, 'beeBeeBeeBeeBee1')",
        "insert into routes (host, tenant_id, targets, generation, stand_in)
         select 'bee.localhost', $1, '[]', 1, 'suspended' where $2 is not null",
    ] {
        sqlx::query(insert).bind(member).bind(instance.uuid().to_string()).execute(&record).await.unwrap();
    }
    let port = start(&record, &edge.listen().await, &tasks);
    let ask =
        async |path: &str| port.clone().oneshot(call(path).body(Body::from("x")).unwrap()).await.unwrap();
    let hers = "/webhook/beeBeeBeeBeeBee1/orders";
    assert_eq!(ask(hers).await.status(), 421, "her plan has her calls refused");
    sqlx::query("update tenants set plan = 'pro' where id = $1").bind(member).execute(&record).await.unwrap();
    assert_eq!(ask(hers).await.status(), 202);
    let whose: TenantId =
        sqlx::query_scalar("select tenant_id from held_calls").fetch_one(&record).await.unwrap();
    assert_eq!(whose, member);
    edge.answers.store(200, Ordering::SeqCst);
    assert_eq!(ask("/webhook/beeBeeBeeBeeBee2/orders").await.status(), 200, "nobody's is the n8n's own");
    end(&tasks).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn each_path_is_delivered_in_order_and_once_whoever_delivers(record: PgPool) {
    let (edge, tasks) = (Edge::default(), [Tasks::default(), Tasks::default()]);
    let tenant = tenant(&record).await;
    for number in 0..40 {
        for path in ["/webhook/a", "/webhook/b", "/form/c"] {
            hold(&record, tenant, (path, number.to_string())).await;
        }
    }
    let url = edge.listen().await;
    let _ports = tasks.each_ref().map(|tasks| start(&record, &url, tasks));
    edge.answers.store(200, Ordering::SeqCst);
    eventually("all are delivered", async || states(&record).await == ["delivered"]).await;
    let reached = edge.reached();
    assert_eq!(reached.len(), 120);
    for path in ["/webhook/a", "/webhook/b", "/form/c"] {
        let order: Vec<_> = reached.iter().filter(|call| call.0 == path).map(|call| call.1.clone()).collect();
        assert_eq!(order, (0..40).map(|number| number.to_string()).collect::<Vec<_>>(), "{path}");
    }
    for tasks in &tasks {
        end(tasks).await;
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_runs_for_long_holds_up_nobody_and_the_order_stays(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    let tenant = tenant(&record).await;
    for number in 0..3 {
        hold(&record, tenant, ("/webhook/a", number.to_string())).await;
    }
    edge.answers.store(RUNS, Ordering::SeqCst);
    let _port = start(&record, &edge.listen().await, &tasks);
    eventually("all have begun", async || edge.reached().len() == 3).await;
    assert_eq!(states(&record).await, ["delivering"], "none has ended");
    let order: Vec<_> = edge.reached().into_iter().map(|(_, body, _)| body).collect();
    assert_eq!(order, ["0", "1", "2"]);
    edge.answers.store(200, Ordering::SeqCst);
    eventually("all are delivered", async || states(&record).await == ["delivered"]).await;
    assert_eq!(edge.reached().len(), 3, "none was sent twice");
    end(&tasks).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_somebody_was_delivering_who_died_is_sent_again_and_says_so(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    let tenant = tenant(&record).await;
    for body in ["first", "second"] {
        hold(&record, tenant, ("/webhook/a", body.to_owned())).await;
    }
    let take = take();
    let claimed = store::claim(&record, &take, Duration::ZERO).await.unwrap();
    assert_eq!(claimed.len(), 1, "the second waits for the first");
    edge.answers.store(200, Ordering::SeqCst);
    let _port = start(&record, &edge.listen().await, &tasks);
    eventually("both are delivered", async || states(&record).await == ["delivered"]).await;
    let reached: Vec<_> = edge.reached().into_iter().map(|(_, body, times)| (body, times)).collect();
    assert_eq!(
        reached,
        [("first", "2"), ("second", "1")].map(|(body, times)| (body.to_owned(), times.to_owned()))
    );
    end(&tasks).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn an_n8n_that_always_fails_is_given_up_and_the_call_kept(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    let tenant = tenant(&record).await;
    let receipt = hold(&record, tenant, ("/webhook/a", "kept".to_owned())).await;
    edge.answers.store(502, Ordering::SeqCst);
    let _port = start(&record, &edge.listen().await, &tasks);
    eventually("it is given up", async || {
        sqlx::query("update held_calls set due_at = now() where state = 'held'")
            .execute(&record)
            .await
            .unwrap();
        states(&record).await == ["dead"]
    })
    .await;
    let kept = "select deliveries, convert_from(body, 'UTF8'), failure from held_calls where receipt = $1";
    let kept: (i32, String, String) = sqlx::query_as(kept).bind(receipt).fetch_one(&record).await.unwrap();
    assert_eq!((kept.0, kept.1.as_str()), (10, "kept"));
    assert!(kept.2.contains("502"), "{}", kept.2);
    assert_eq!(edge.reached().len(), 10);
    // A person has it delivered again, long after it came: it is tried as often, and says how often it was.
    let replay = "update held_calls set state = 'held', ended_at = null, due_at = now(), replayed_at = now(), given_up_after = deliveries,
                         held_at = now() - interval '100 days'";
    sqlx::query(replay).execute(&record).await.unwrap();
    assert_eq!(store::give_up(&record, Duration::from_secs(3600)).await.unwrap(), 0);
    eventually("it is sent again", async || edge.reached().len() >= 12).await;
    edge.answers.store(200, Ordering::SeqCst);
    eventually("it is delivered", async || states(&record).await == ["delivered"]).await;
    assert_eq!(edge.reached()[10].2, "11");
    end(&tasks).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_not_for_here_is_left_to_the_page(record: PgPool) {
    let (edge, tasks) = (Edge::default(), Tasks::default());
    tenant(&record).await;
    let port = start(&record, &edge.listen().await, &tasks);
    let ask = async |request: http::request::Builder, body: Vec<u8>| {
        port.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status().as_u16()
    };
    let post = |path: &str| Request::post(path).header(TOKEN_HEADER, token().authorization());
    assert_eq!(ask(Request::post("/webhook/a").header("host", HOST), vec![]).await, 401);
    let forged = Request::post("/webhook/a").header("host", HOST).header(TOKEN_HEADER, "Bearer x");
    assert_eq!(ask(forged, vec![]).await, 401);
    for (path, host) in [
        ("/rest/x", HOST),
        ("/webhook-test/a", HOST),
        ("/webhook/../rest/x", HOST),
        ("/webhook/a", "nobody.localhost"),
    ] {
        assert_eq!(ask(post(path).header("host", host), vec![]).await, 421, "{host}{path}");
    }
    assert_eq!(ask(post("/webhook/a").header("host", HOST), vec![0; (16 << 20) + 1]).await, 413);
    let rows: i64 = sqlx::query_scalar("select count(*) from held_calls").fetch_one(&record).await.unwrap();
    assert_eq!(rows, 0);
    end(&tasks).await;
}

#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_nobody_can_take_any_more_is_given_up_and_the_rest_forgotten_in_time(record: PgPool) {
    let tenant = tenant(&record).await;
    let old = hold(&record, tenant, ("/webhook/a", "old".to_owned())).await;
    let young = hold(&record, tenant, ("/webhook/a", "young".to_owned())).await;
    let age = "update held_calls set held_at = now() - interval '2 hours' where receipt = $1";
    sqlx::query(age).bind(old).execute(&record).await.unwrap();
    assert_eq!(store::give_up(&record, Duration::from_secs(3_600)).await.unwrap(), 1);
    sqlx::query("update tenants set status = 'deleted', cluster_id = null").execute(&record).await.unwrap();
    assert_eq!(store::give_up(&record, Duration::from_secs(3_600)).await.unwrap(), 1);
    let why = "select failure from held_calls where receipt = $1";
    let why: String = sqlx::query_scalar(why).bind(young).fetch_one(&record).await.unwrap();
    assert!(why.contains("removed"), "{why}");
    sqlx::query("update held_calls set ended_at = now() - interval '8 days' where receipt = $1")
        .bind(old)
        .execute(&record)
        .await
        .unwrap();
    store::forget(&record, (Duration::from_secs(300), Duration::from_secs(7 * 86_400))).await.unwrap();
    let left: Vec<Uuid> =
        sqlx::query_scalar("select receipt from held_calls").fetch_all(&record).await.unwrap();
    assert_eq!(left, [young]);
}

/// So that what is on its way has an end in bytes, and whoever is not back is tried with one call, or with none.
#[sqlx::test(migrator = "MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn no_more_is_taken_than_there_is_room_for(record: PgPool) {
    let tenant = tenant(&record).await;
    for path in ["/webhook/a", "/webhook/b", "/webhook/c"] {
        hold(&record, tenant, (path, "x".repeat(100))).await;
    }
    let claimed = async |take: Take| {
        let claimed = store::claim(&record, &take, Duration::from_secs(60)).await.unwrap().len();
        sqlx::query("update held_calls set state = 'held', lease_until = null, sent_at = null")
            .execute(&record)
            .await
            .unwrap();
        claimed
    };
    assert_eq!(claimed(take()).await, 3);
    assert_eq!(claimed(Take { bytes: 101, ..take() }).await, 2, "as many bytes, and one body more");
    assert_eq!(claimed(Take { bytes: 1, ..take() }).await, 1);
    assert_eq!(claimed(Take { away: vec![tenant], ..take() }).await, 1);
    let put_back = "update held_calls set due_at = clock_timestamp() where path = '/webhook/a'";
    sqlx::query(put_back).execute(&record).await.unwrap();
    let away = Take { away: vec![tenant], ..take() };
    let next = store::claim(&record, &away, Duration::ZERO).await.unwrap();
    assert_eq!(next[0].call.path(), "/webhook/b", "one that leads nowhere keeps no other waiting");
    sqlx::query("update routes set stand_in = 'suspended'").execute(&record).await.unwrap();
    assert_eq!(claimed(take()).await, 0, "nobody is back before somebody says so");
}
