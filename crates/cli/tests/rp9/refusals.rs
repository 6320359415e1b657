//! What the API will not do, told with what to do next.

use crate::support::{Gateway, Rp9, Turn};

#[tokio::test]
async fn every_field_the_trace_and_the_next_step_are_told() {
    let gateway = Gateway::open().await;
    let problem = r#"{"code":"invalid_fields","title":"Invalid","detail":"Two fields are not valid.","trace_id":"4bf9",
        "errors":[{"pointer":"/workers","code":"too_many","detail":"must be at most 4"},{"pointer":"/cpu","code":"x","detail":"must be at least 1"}]}"#;
    gateway.says("POST /tenants/acme/scale", [Turn::json(422, problem)]);
    let ended = Rp9::at(&gateway, &["tenants", "scale", "acme", "--workers", "9"]).run().await.expect(3);
    assert_eq!(
        ended.err,
        "error: Two fields are not valid. (422 invalid_fields)\n  /workers  must be at most 4\n  /cpu      must be at least 1\n  trace id: 4bf9\n"
    );
}

#[tokio::test]
async fn a_script_gets_the_problem_document() {
    let gateway = Gateway::open().await;
    gateway.says("GET /tenants/nobody", [Turn::problem(404, "not_found")]);
    let ended = Rp9::at(&gateway, &["tenants", "show", "nobody", "--json"]).run().await.expect(3);
    assert!(ended.out.contains(r#""code":"not_found""#), "{ended:?}");
    assert!(ended.err.contains("It is not_found. (404 not_found)"), "{ended:?}");
    let plain = Rp9::at(&gateway, &["api", "GET", "/tenants/nobody"]).run().await.expect(3);
    assert_eq!(plain.out, ended.out);
}

#[tokio::test]
async fn what_is_not_the_api_is_told_so() {
    let gateway = Gateway::open().await;
    gateway.says("GET /plans", [Turn::Answer(200, Vec::new(), "<h1>Welcome to nginx!</h1>".into())]);
    let ended = Rp9::at(&gateway, &["plans"]).run().await.expect(1);
    assert!(ended.err.contains("Is the profile's address an RP9 gateway's"), "{ended:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let gateway = Gateway::open().await;
    gateway.says("POST /x", [Turn::Answer(307, vec![("location", "/y".into())], String::new())]);
    let ended = Rp9::at(&gateway, &["api", "POST", "/x", "{}"]).run().await.expect(3);
    assert!(ended.err.contains("leads elsewhere"), "{ended:?}");
    assert_eq!(gateway.seen().len(), 1);
}

#[tokio::test]
async fn a_request_of_ones_own_is_signed_with_its_query_and_body() {
    let gateway = Gateway::open().await;
    gateway.says("PATCH /tenants/a%20b", [Turn::json(200, r#"{"b":1,"a":2}"#)]);
    let ended =
        Rp9::at(&gateway, &["api", "patch", "/tenants/a b?x=ü", r#"{"name":"Ä"}"#]).run().await.expect(0);
    assert_eq!(ended.out, "{\"b\":1,\"a\":2}\n");
    assert_eq!(gateway.seen()[0].line, "PATCH /tenants/a%20b?x=%C3%BC");
}

#[tokio::test]
async fn what_cannot_be_sent_at_all_is_not_tried_again() {
    let gateway = Gateway::open().await;
    let broken =
        Rp9::alone(&["plans"]).variable("RP9_URL", &gateway.url()).variable("RP9_TOKEN", "two\nlines");
    let ended = broken.run().await.expect(4);
    assert!(!ended.err.contains("again in"), "{ended:?}");
    assert_eq!(gateway.seen(), []);
}
