//! Operations followed to their end, over whatever happens to the stream.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::support::{Ended, Gateway, Rp9, Turn, operation};

const OPERATION: &str = "GET /operations/op_1";
const PROMOTE: &str = "POST /tenants/acme/promote";
const EVENTS: &str = "GET /operations/op_1/events";
const WATCH: &[&str] = &["operations", "watch", "op_1"];

fn event(id: u32) -> String {
    format!("id: {id}\ndata: {{\"kind\":\"step.succeeded\"}}\n\n")
}

#[tokio::test]
async fn each_step_is_told_once_and_a_cut_stream_goes_on_where_it_broke_off() {
    let gateway = Gateway::open().await;
    let states = [("queued", 0), ("running", 1), ("running", 2), ("succeeded", 3)];
    gateway.says(OPERATION, states.map(|(status, done)| Turn::json(200, operation(status, done))));
    let first = format!(":\n\nid: 6\n\n{}", event(7));
    gateway.says(
        EVENTS,
        [Turn::Stream { bytes: first, breaks: true }, Turn::Stream { bytes: event(8), breaks: false }],
    );
    let ended = Rp9::at(&gateway, WATCH).run().await.expect(0);
    for once in ["reserve       succeeded in 1.0 s", "containers    succeeded", "activate      succeeded"] {
        assert_eq!(ended.err.matches(once).count(), 1, "{once}: {ended:?}");
    }
    assert!(ended.err.ends_with("tenant.create succeeded\n"), "{ended:?}");
    assert_eq!(ended.out, "", "progress is no result");
    let streams: Vec<_> = gateway.seen_at(EVENTS).into_iter().map(|seen| seen.last_event_id).collect();
    assert_eq!(streams, [None, Some("7".to_owned())]);
}

#[tokio::test]
async fn without_a_stream_it_is_polled() {
    let gateway = Gateway::open().await;
    gateway.says(
        OPERATION,
        [("running", 1), ("rolled_back", 1)].map(|(status, done)| Turn::json(200, operation(status, done))),
    );
    let ended = Rp9::at(&gateway, WATCH).run().await.expect(5);
    assert!(ended.err.contains("tenant.create rolled back"), "{ended:?}");
    assert_eq!(gateway.seen_at(EVENTS).len(), 1, "what was refused is not asked for again");
}

#[tokio::test]
async fn a_gateway_that_restarts_meanwhile_is_waited_for() {
    let gateway = Gateway::open().await;
    let running = || Turn::json(200, operation("running", 1));
    gateway.says(
        OPERATION,
        [
            running(),
            Turn::HangUp,
            Turn::problem(503, "unavailable"),
            Turn::json(200, operation("succeeded", 3)),
        ],
    );
    gateway.says(EVENTS, [Turn::HangUp]);
    Rp9::at(&gateway, &[WATCH, &["--patience", "0"]].concat()).run().await.expect(0);
}

#[tokio::test]
async fn every_end_has_its_code_and_what_is_stuck_says_what_a_person_can_do() {
    for (status, code) in [("succeeded", 0), ("rolled_back", 5), ("stuck", 6), ("abandoned", 7)] {
        let gateway = Gateway::open().await;
        gateway.says(OPERATION, [Turn::json(200, operation(status, 1))]);
        let ended = Rp9::at(&gateway, WATCH).run().await.expect(code);
        assert_eq!(ended.err.contains("rp9 operations abandon op_1"), status == "stuck", "{ended:?}");
    }
}

#[tokio::test]
async fn a_cancelled_operation_that_rolled_back_went_as_asked() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"operation_id":"op_1","tenant_id":"ten_1"}"#;
    gateway.says("POST /operations/op_1/cancel", [Turn::json(202, accepted)]);
    gateway.says(OPERATION, [Turn::json(200, operation("rolled_back", 1))]);
    let ended =
        Rp9::at(&gateway, &["operations", "cancel", "op_1", "--reason", "A mistake"]).run().await.expect(0);
    assert_eq!(gateway.seen()[0].body, r#"{"reason":"A mistake"}"#);
    assert!(!ended.err.contains("error"), "{ended:?}");
}

#[tokio::test]
async fn a_verb_that_changes_nothing_says_so_and_follows_nothing() {
    let gateway = Gateway::open().await;
    let already = r#"{"tenant_id":"ten_1","operation_id":null,"status":"suspended"}"#;
    gateway.says("POST /tenants/acme/suspend", [Turn::json(200, already)]);
    let ended = Rp9::at(&gateway, &["tenants", "suspend", "acme"]).run().await.expect(0);
    assert_eq!(ended.out, "It is so already: suspended.\n");
    assert_eq!(gateway.seen().len(), 1);
}

#[tokio::test]
async fn whoever_joins_what_is_being_done_is_told_so_and_follows_that() {
    let gateway = Gateway::open().await;
    let joined = r#"{"tenant_id":"ten_1","operation_id":"op_1","status":"active","already":true}"#;
    gateway.says("POST /tenants/acme/restart", [Turn::json(202, joined)]);
    gateway.says(OPERATION, [Turn::json(200, operation("succeeded", 3))]);
    let ended = Rp9::at(&gateway, &["tenants", "restart", "acme"]).run().await.expect(0);
    assert_eq!(
        ended.out,
        "It is being done already, since somebody asked before: tenant ten_1, operation op_1\n"
    );
    assert!(ended.err.contains("succeeded"), "{ended:?}");
}

#[tokio::test]
async fn a_scaled_tenant_is_followed_and_a_script_gets_the_answer_alone() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"tenant_id":"ten_1","operation_id":"op_1","status":"active"}"#;
    gateway.says("POST /tenants/acme/scale", [Turn::json(202, accepted)]);
    gateway.says(OPERATION, [Turn::json(200, operation("succeeded", 3))]);
    let ended = Rp9::at(&gateway, &["tenants", "scale", "acme", "--cpu", "1.5", "--workers", "3", "--json"])
        .run()
        .await
        .expect(0);
    assert_eq!(gateway.seen()[0].body, r#"{"cpu":1.5,"workers":3}"#);
    assert_eq!(ended.out, format!("{accepted}\n"));
}

#[tokio::test]
async fn an_upgraded_tenant_is_followed_unless_nobody_waits_and_one_that_went_wrong_says_so() {
    let gateway = Gateway::open().await;
    let accepted = r#"{"tenant_id":"ten_1","operation_id":"op_1","status":"migrating","already":false}"#;
    gateway.says("POST /tenants/acme/upgrade", [Turn::json(202, accepted)]);
    gateway.says(OPERATION, ["succeeded", "rolled_back"].map(|status| Turn::json(200, operation(status, 3))));
    let words = ["tenants", "upgrade", "acme", "2.41.1"];
    let ended = Rp9::at(&gateway, &[&words[..], &["--reason", "A new node"]].concat()).run().await.expect(0);
    assert_eq!(ended.out, "accepted: tenant ten_1, operation op_1\n");
    assert_eq!(gateway.seen()[0].body, r#"{"n8n_version":"2.41.1","reason":"A new node"}"#);
    Rp9::at(&gateway, &words).run().await.expect(5);
    let looks = gateway.seen_at(OPERATION).len();
    let left = Rp9::at(&gateway, &[&words[..], &["--no-wait"]].concat()).run().await.expect(0);
    assert_eq!((left.out, gateway.seen_at(OPERATION).len()), (ended.out, looks));
    assert_eq!(gateway.seen().last().unwrap().body, r#"{"n8n_version":"2.41.1"}"#);
    Rp9::at(&gateway, &[&words[..], &["--strategy", "blue_green", "--no-wait"]].concat())
        .run()
        .await
        .expect(0);
    let beside = r#"{"n8n_version":"2.41.1","strategy":"blue_green"}"#;
    assert_eq!(gateway.seen().last().unwrap().body, beside);
}

#[tokio::test]
async fn a_promoted_tenant_is_followed_and_whoever_asks_again_joins_that() {
    let gateway = Gateway::open().await;
    let accepted = |already: bool| {
        let answer = json!({
            "promotion_id": "pro_1", "operation_id": "op_1", "estimated_completion": "2026-08-01T12:10:00Z", "already": already,
            "plan": { "estimated_downtime_minutes": 1.0, "migration_steps": ["A backup is made and read back."] },
        });
        Turn::json(202, answer.to_string())
    };
    gateway.says(PROMOTE, [accepted(false), accepted(true), accepted(false), accepted(false)]);
    gateway.says(OPERATION, ["succeeded", "rolled_back"].map(|status| Turn::json(200, operation(status, 3))));
    let words = ["tenants", "promote", "acme"];
    let ended = Rp9::at(&gateway, &[&words[..], &["--ttl-minutes", "5", "--without-executions"]].concat());
    let ended = ended.run().await.expect(0);
    assert_eq!(ended.out, "accepted: promotion pro_1, operation op_1\n");
    assert!(ended.err.contains("rp9 tenants promotions acme"), "{ended:?}");
    let ended = Rp9::at(&gateway, &[&words[..], &["--reason", "It grew"]].concat()).run().await.expect(5);
    assert!(
        ended.out.starts_with("It is being done already") && !ended.err.contains("promotions"),
        "{ended:?}"
    );
    let looks = gateway.seen_at(OPERATION).len();
    Rp9::at(&gateway, &[&words[..], &["--no-wait"]].concat()).run().await.expect(0);
    let window = "2026-12-01T01:00:00Z/2026-12-01T03:00:00Z";
    let later = Rp9::at(&gateway, &[&words[..], &["--window", window]].concat()).run().await.expect(0);
    assert!(later.err.contains("stays as it is until then"), "{later:?}");
    assert_eq!(gateway.seen_at(OPERATION).len(), looks);
    let asked =
        gateway.seen_at(PROMOTE).into_iter().map(|seen| serde_json::from_str::<Value>(&seen.body).unwrap());
    let expected = [
        json!({ "ttl_minutes": 5, "include_executions": false }),
        json!({ "reason": "It grew" }),
        json!({}),
        json!({ "window": window }),
    ];
    assert!(asked.eq(expected));
}

#[tokio::test]
async fn ctrl_c_ends_the_following_and_not_the_operation() {
    let gateway = Gateway::open().await;
    gateway.says(OPERATION, [Turn::json(200, operation("running", 1))]);
    gateway.says(EVENTS, [Turn::Stream { bytes: event(7), breaks: false }]);
    let mut child = Rp9::at(&gateway, WATCH).start();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = timeout(Duration::from_secs(20), told.next_line()).await.unwrap().unwrap().unwrap();
    assert_eq!(first, "tenant.create op_1: running");
    kill_process(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap(), Signal::INT).unwrap();
    let mut rest = String::new();
    while let Some(line) = timeout(Duration::from_secs(20), told.next_line()).await.unwrap().unwrap() {
        rest.push_str(&line);
    }
    assert!(rest.ends_with("rp9 operations watch op_1"), "{rest}");
    Ended::of(child).await.expect(130);
}
