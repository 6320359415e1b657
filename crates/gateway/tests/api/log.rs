//! What is written down of requests: one line each, with what came of it, and nothing that anybody could use.

use std::path::PathBuf;

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Claims, HMAC_SECRET, JWT_SECRET, Record, Replica, eventually, tenant};

/// What is asked, and what its line says: status, outcome, who, and the word in the audit log.
type Case = (Call, u16, &'static str, Option<&'static str>, Option<&'static str>);

/// In a body that is accepted.
const CANARY: &str = "canary-in-the-metadata";

fn cases() -> Vec<Case> {
    let mut body = tenant("acme");
    body["metadata"] = json!({ "note": CANARY });
    let create = Call::post("/tenants", &body).by_a("service");
    let (service, admin) = (Some("service-1"), Some("admin-1"));
    let (creation, removal) = (Some("tenant.create"), Some("tenant.delete"));
    let forged = Claims::of("admin").secret("somebody else's secret, long enough");
    let owner = Claims::owner(&["ten_0198c0de0000700080000000000000aa"]);
    let wrong = Call::post("/tenants", &json!({ "name": CANARY })).by_a("service").signed();
    let large = create.clone().body(vec![b' '; 64 * 1024 + 1]).signed();
    let many = (0..100).fold(Call::get("/healthz"), |call, n| call.header(&format!("x-{n}"), "y"));
    vec![
        (create.clone().key("k").signed(), 201, "ok", service, creation),
        (create.clone().key("k").signed_at(-100), 201, "ok", service, creation),
        (wrong, 422, "invalid_fields", service, creation),
        (create.clone(), 401, "signature_missing", service, creation),
        (
            create.clone().signed_unbound(&HMAC_SECRET.to_uppercase(), 0),
            401,
            "signature_invalid",
            service,
            creation,
        ),
        (large, 413, "body_too_large", service, creation),
        (Call::get("/tenants").by(&forged), 401, "token_invalid", None, None),
        (Call::get("/tenants"), 401, "token_missing", None, None),
        (Call::get("/tenants").by_a("admin"), 200, "ok", admin, None),
        (Call::get("/audit").by(&owner), 403, "forbidden", Some("owner-1"), None),
        (Call::get("/tenants/acme").by(&owner), 404, "not_found", Some("owner-1"), None),
        (
            Call::delete("/tenants/acme").by(&owner).signed_at(-100),
            404,
            "not_found",
            Some("owner-1"),
            removal,
        ),
        (Call::delete("/tenants/acme").by_a("admin").signed(), 202, "ok", admin, removal),
        (Call::get("/nowhere").by_a("admin"), 404, "not_found", None, None),
        (Call::with("PATCH", "/tenants").by_a("admin"), 405, "method_not_allowed", None, None),
        (many, 431, "headers_too_large", None, None),
    ]
}

/// The lines of a log that are about requests.
fn lines(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["msg"] == "request" && line["target"].as_str().unwrap().starts_with("gateway"))
        .collect()
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn every_request_is_one_line_and_no_line_holds_a_secret(database: PgPool) {
    let name = format!("{}.log", uuid::Uuid::now_v7());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Everything that we ourselves would ever write, and what the record's driver writes of statements.
    let replica =
        Replica::start(&database, &[("LOG_LEVEL", "info,gateway=trace,sqlx=debug")], Some(path.clone()))
            .await;
    let (cases, mut secrets) =
        (cases(), vec![JWT_SECRET.to_owned(), HMAC_SECRET.to_owned(), CANARY.to_owned()]);
    the_edge_asks(&replica).await;
    for (n, (call, status, ..)) in cases.iter().enumerate() {
        secrets.extend(call.secrets());
        let reply = replica.send(call.clone().header("x-correlation-id", format!("case-{n}"))).await.unwrap();
        assert_eq!(reply.status, *status, "case {n}: {}", reply.text());
        assert_eq!(reply.header("x-correlation-id"), format!("case-{n}"));
    }
    let log = || std::fs::read_to_string(&path).unwrap();
    eventually(async || lines(&log()).len() >= cases.len()).await;
    let written = lines(&log());
    assert_eq!(written.len(), cases.len(), "one line for each request");
    for (n, (_, status, outcome, actor, audit)) in cases.into_iter().enumerate() {
        let of_it: Vec<_> =
            written.iter().filter(|line| line["correlation_id"] == format!("case-{n}")).collect();
        let [line] = of_it.as_slice() else { panic!("case {n}: {of_it:#?}") };
        let told = (&line["http.status"], &line["outcome"], &line["actor"], &line["audit"]);
        assert_eq!(told, (&json!(status), &json!(outcome), &json!(actor), &json!(audit)), "case {n}: {line}");
        assert_eq!(line["detail"].is_string(), outcome != "ok", "a refusal is explained: {line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32), "{line}");
        assert!(line["http.method"].is_string() && line["http.route"].is_string(), "{line}");
    }
    let log = log();
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} was written down");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(Record::count(&database).await.of("tenants"), 1);
}

/// As it does four times a second: those have no line.
async fn the_edge_asks(replica: &Replica) {
    let token = testkit::services::gateway(0).into_iter().find(|(name, _)| name == "EDGE_TOKEN").unwrap().1;
    let ask = Call::get("/edge/routes.json").header("authorization", format!("Bearer {token}"));
    let told = replica.send_to_edge(ask.clone()).await.unwrap();
    let again = replica.send_to_edge(ask.header("if-none-match", told.header("etag"))).await.unwrap();
    assert_eq!((told.status.as_u16(), again.status.as_u16()), (200, 304));
}

/// What an operator sees of the first start there ever is: nothing to worry about.
#[sqlx::test(migrations = false)]
#[ignore = "needs servers: deploy/test"]
async fn a_healthy_first_start_warns_of_nothing(database: PgPool) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", uuid::Uuid::now_v7()));
    let nats = crate::support::nats_url();
    assert!(Replica::migrate(&database).await, "as a deployment does first");
    let replica = Replica::start(&database, &[("NATS_URL", nats.as_str())], Some(path.clone())).await;
    let log = || std::fs::read_to_string(&path).unwrap();
    eventually(async || log().contains("\"msg\":\"started\"")).await;
    let created = replica.send(Call::post("/tenants", &tenant("acme")).by_a("admin").signed()).await.unwrap();
    assert_eq!(created.status, 201, "{}", created.text());
    // By then everything that it does by itself was done once.
    let published = "select published_id > 0 from event_relay";
    eventually(async || sqlx::query_scalar(published).fetch_one(&database).await.unwrap()).await;
    let worried: Vec<_> =
        log().lines().filter(|line| !line.contains("\"level\":\"info\"")).map(str::to_owned).collect();
    assert_eq!(worried, Vec::<String>::new());
    std::fs::remove_file(&path).unwrap();
}
