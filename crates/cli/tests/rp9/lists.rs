//! Lists: over pages, for people, for scripts and for other commands.

use crate::support::{Gateway, Rp9, Turn};

const TENANTS: &str = "GET /tenants";

fn page(ids: &[&str], next: Option<&str>) -> Turn {
    // The order of the fields and the number are the API's, and stay.
    let entries: Vec<_> =
        ids.iter().map(|id| format!(r#"{{"subdomain":"{id}","id":"ten_{id}","cpu_cores":2.0}}"#)).collect();
    let next = next.map_or("null".to_owned(), |next| format!(r#""{next}""#));
    Turn::json(200, format!(r#"{{"data":[{}],"next_cursor":{next}}}"#, entries.join(",")))
}

#[tokio::test]
async fn all_pages_are_one_document_with_what_the_api_said() {
    let gateway = Gateway::open().await;
    gateway.says(TENANTS, [page(&["a", "b"], Some("c1")), page(&["c"], None)]);
    let ended = Rp9::at(&gateway, &["tenants", "list", "--all", "--json"]).run().await.expect(0);
    let entry = |id| format!(r#"{{"subdomain":"{id}","id":"ten_{id}","cpu_cores":2.0}}"#);
    assert_eq!(
        ended.out,
        format!("{{\"data\":[{},{},{}],\"next_cursor\":null}}\n", entry("a"), entry("b"), entry("c"))
    );
    let lines: Vec<_> = gateway.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /tenants?limit=200", "GET /tenants?limit=200&cursor=c1"]);
}

#[tokio::test]
async fn so_many_are_asked_for_as_are_wanted() {
    let gateway = Gateway::open().await;
    let full: Vec<_> = (0..200).map(|n| format!("t{n}")).collect();
    let full: Vec<_> = full.iter().map(String::as_str).collect();
    gateway.says(TENANTS, [page(&full, Some("c1")), page(&["last"], Some("c2"))]);
    let ended = Rp9::at(&gateway, &["tenants", "list", "--limit", "201", "--quiet"]).run().await.expect(0);
    assert_eq!(ended.out.lines().count(), 201);
    assert_eq!(ended.out.lines().last(), Some("ten_last"));
    assert_eq!(gateway.seen()[1].line, "GET /tenants?limit=1&cursor=c1");
}

#[tokio::test]
async fn a_table_has_no_colour_in_a_pipe_and_says_when_there_is_more() {
    let gateway = Gateway::open().await;
    gateway.says(TENANTS, [page(&["a"], Some("c1"))]);
    let ended = Rp9::at(&gateway, &["tenants", "list", "--q", "a b"]).run().await.expect(0);
    let mut lines = ended.out.lines();
    assert!(lines.next().unwrap().starts_with("SUBDOMAIN  STATUS"), "{ended:?}");
    assert!(lines.next().unwrap().starts_with("a          -"), "{ended:?}");
    assert!(!ended.out.contains('\u{1b}'), "{ended:?}");
    assert!(ended.err.contains("--all"), "{ended:?}");
    assert_eq!(gateway.seen()[0].line, "GET /tenants?q=a+b&limit=50");
}

#[tokio::test]
async fn nothing_is_told_as_nothing() {
    let gateway = Gateway::open().await;
    gateway.says(TENANTS, [page(&[], None)]);
    let ended = Rp9::at(&gateway, &["tenants", "list"]).run().await.expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "No tenants.\n"));
}

#[tokio::test]
async fn what_is_down_is_shown_and_is_no_success() {
    let gateway = Gateway::open().await;
    let down =
        r#"{"status":"down","dependencies":{"database":"down","nats":"up"},"clusters":[],"system":{}}"#;
    gateway.says("GET /health/detailed", [Turn::json(503, down)]);
    let ended = Rp9::at(&gateway, &["health"]).run().await.expect(8);
    assert_eq!(ended.out, "PART      STATE\nAPI       down\ndatabase  down\nnats      up\n");
    assert_eq!(gateway.seen().len(), 1, "how it is now is the question");
}

const ACME: &str = r#"{"data":{"tenant":{"id":"ten_1","name":"Acme","status":"active","plan":"pro"},
    "limits":{"cpu_cores":2.0,"memory_mb":2048,"workers":2},
    "backups":{"last_restorable_at":"2026-08-01T02:00:00Z","rpo_seconds":36000,"last_proven_at":null},
    "health":{"status":"unhealthy","since":"2026-08-01T12:00:00Z","reasons":[],"healing_paused_until":"2026-08-01T12:05:00Z"}}}"#;

#[tokio::test]
async fn one_tenant_is_shown_with_what_it_may_become_and_what_is_being_done_to_it() {
    let gateway = Gateway::open().await;
    gateway.says("GET /tenants/acme", [Turn::json(200, ACME)]);
    // Somebody may see the tenant and nothing beside it.
    let alone = Rp9::at(&gateway, &["tenants", "show", "acme"]).run().await.expect(0);
    assert!(!alone.out.contains("may have") && !alone.out.contains("under way"), "{alone:?}");
    assert_eq!(alone.err, "");
    let plans = r#"{"data":[{"name":"starter","ceilings":{}},{"name":"pro","ceilings":{"cpu_cores":4.0,"memory_mb":4096,"workers":4}}]}"#;
    let operations = r#"{"data":[{"id":"op_3","kind":"tenant.scale","status":"queued"},{"id":"op_2","kind":"tenant.restart","status":"running"},
        {"id":"op_1","kind":"tenant.create","status":"succeeded"}]}"#;
    gateway
        .says("GET /plans", [Turn::json(200, plans)])
        .says("GET /operations", [Turn::json(200, operations)]);
    let shown = Rp9::at(&gateway, &["tenants", "show", "acme"]).run().await.expect(0);
    for (name, said) in [
        ("has", "2 cores, 2048 MB, 2 workers"),
        ("may have", "up to 4 cores, 4096 MB, 4 workers"),
        ("under way", "tenant.restart op_2: running; tenant.scale op_3: queued"),
        ("unhealthy", "since 2026-08-01 12:00:00Z: well again, for less than two minutes"),
        ("healing paused until", "2026-08-01 12:05:00Z"),
        ("last backup of", "2026-08-01 02:00:00Z"),
    ] {
        assert!(
            shown.out.lines().any(|line| line.starts_with(name) && line.ends_with(said)),
            "{name}: {}",
            shown.out
        );
    }
    assert_eq!(
        gateway.seen_at("GET /operations").last().unwrap().line,
        "GET /operations?tenant=ten_1&limit=20"
    );
}

#[tokio::test]
async fn promotions_are_told_with_how_long_callers_waited_and_what_is_kept_until_when() {
    let gateway = Gateway::open().await;
    let promotions = r#"{"data":[
        {"promotion_id":"pro_2","operation_id":"op_2","status":"succeeded","asked_at":"2026-08-01T12:00:00Z","ended_at":"2026-08-01T12:06:00Z",
         "freeze_seconds":41.25,"retire_at":"2026-08-02T12:06:00Z","retired_at":null,"include_executions":true,"window":"2026-08-01T12:00:00Z","backup_id":"bak_1"},
        {"promotion_id":"pro_1","operation_id":"op_1","status":"rolled_back","asked_at":"2026-08-01T10:00:00Z","ended_at":"2026-08-01T10:03:00Z",
         "freeze_seconds":null,"retire_at":null,"retired_at":null,"include_executions":true,"window":null,"backup_id":null}]}"#;
    gateway.says(
        "GET /tenants/acme/promotions",
        [Turn::json(200, promotions), Turn::json(200, promotions), Turn::json(200, r#"{"data":[]}"#)],
    );
    let rp9 = async |words: &[&str]| {
        Rp9::at(&gateway, &[&["tenants", "promotions", "acme"], words].concat()).run().await.expect(0)
    };
    let shown = rp9(&[]).await;
    let lines: Vec<_> = shown.out.lines().collect();
    for said in ["pro_2", "succeeded", "41.2 s", "2026-08-02 12:06:00Z", "bak_1", "op_2"] {
        assert!(lines[1].contains(said), "{said}: {}", shown.out);
    }
    assert!(lines[2].contains("rolled_back") && lines[2].contains("  -  "), "{}", shown.out);
    assert_eq!(rp9(&["--quiet"]).await.out, "pro_2\npro_1\n");
    assert_eq!(rp9(&[]).await.err, "No promotions.\n");
}

#[tokio::test]
async fn held_calls_that_came_to_nothing_are_delivered_again() {
    let gateway = Gateway::open().await;
    gateway
        .says("POST /tenants/acme/held/replay", [Turn::json(200, r#"{"tenant_id":"ten_1","state":"held"}"#)]);
    gateway.says("POST /held/r-3/replay", [Turn::json(200, r#"{"receipt":"r-3","state":"held"}"#)]);
    let all = ["held", "acme", "--replay-dead", "--reason", "It is mended."];
    let ended = Rp9::at(&gateway, &all).run().await.expect(0);
    assert_eq!(ended.out, "acme: what came to nothing is delivered again\n");
    let ended = Rp9::at(&gateway, &["held", "acme", "--replay", "r-3"]).run().await.expect(0);
    assert_eq!(ended.out, "r-3 is delivered again\n");
    let bodies: Vec<_> = gateway.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, [r#"{"reason":"It is mended."}"#, "{}"]);
    Rp9::at(&gateway, &["held", "acme", "--replay-dead", "--state", "held"]).run().await.expect(2);
}

#[tokio::test]
async fn who_has_outgrown_the_n8n_that_they_share_is_told_with_the_reasons() {
    let gateway = Gateway::open().await;
    let scanned = r#"{"candidates":[{"tenant_id":"ten_1","name":"Acme","subdomain":"acme","plan":"enterprise","priority":"high","score":85,
        "reasons":["High execution volume: 8,500/month","High queue latency: 6.2s p95"]}]}"#;
    gateway.says("POST /promotions/scan", [Turn::json(200, scanned), Turn::json(200, scanned)]);
    let ended = Rp9::at(&gateway, &["tenants", "candidates"]).run().await.expect(0);
    for words in ["acme", "85", "high", "8,500/month, High queue latency"] {
        assert!(ended.out.contains(words), "{words}: {ended:?}");
    }
    let ended = Rp9::at(&gateway, &["tenants", "candidates", "--quiet"]).run().await.expect(0);
    assert_eq!(ended.out, "acme\n");
}

#[tokio::test]
async fn what_did_not_come_along_with_a_failover_is_told() {
    let gateway = Gateway::open().await;
    let failovers = r#"{"data":[{"operation_id":"op_2","status":"succeeded","asked_at":"2026-08-01T12:00:00Z","ended_at":"2026-08-01T12:00:30Z",
        "held_seconds":21.5,"source":"database","backup_id":null,"workflows":30,"credentials":4,
        "missing":[{"what":"1204 executions","why":"they stay"}],"retire_at":"2026-08-02T12:00:30Z","retired_at":null}]}"#;
    gateway.says("GET /tenants/acme/failovers", [Turn::json(200, failovers)]);
    let shown = Rp9::at(&gateway, &["tenants", "failovers", "acme"]).run().await.expect(0);
    for said in ["op_2", "succeeded", "21.5 s", "database", "30", "2026-08-02 12:00:30Z"] {
        assert!(shown.out.lines().nth(1).unwrap().contains(said), "{said}: {}", shown.out);
    }
    assert!(shown.err.contains("Not there: 1204 executions (they stay)."), "{shown:?}");
}
