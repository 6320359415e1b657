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
