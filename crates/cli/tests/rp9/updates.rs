//! Changing what is known of a tenant.

use serde_json::{Value, json};

use crate::support::{Gateway, Rp9, Turn};

const UPDATE: &str = "PATCH /tenants/acme";

const CLAIMED: &str = r#"{"data":{"tenant":{"id":"ten_1","subdomain":"acme"},"custom_domain":{"domain":"flows.acme.example","state":"pending",
    "proof":{"type":"TXT","name":"_rp9-challenge.flows.acme.example","value":"0b0f3c"},
    "pointer":{"type":"CNAME","name":"flows.acme.example","value":"acme.flows.example"},
    "looked_at":"2026-08-01T12:00:00Z","reason":"_rp9-challenge.flows.acme.example has no TXT record","next_look_at":"2026-08-01T12:00:10Z"}},
    "changed":["name","custom_domain"]}"#;

fn body(gateway: &Gateway, n: usize) -> Value {
    serde_json::from_str(&gateway.seen_at(UPDATE)[n].body).unwrap()
}

#[tokio::test]
async fn what_is_said_changes_and_what_is_taken_away_is_null() {
    let gateway = Gateway::open().await;
    gateway.says(
        UPDATE,
        [
            Turn::json(200, CLAIMED),
            Turn::json(200, r#"{"data":{"tenant":{"subdomain":"acme"}},"changed":[]}"#),
        ],
    );
    let words = [
        "tenants",
        "update",
        "acme",
        "--name",
        "Acme Ltd",
        "--custom-domain",
        "flows.acme.example",
        "--metadata",
        r#"{"a":1}"#,
    ];
    let told = Rp9::at(&gateway, &words).run().await.expect(0);
    assert_eq!(
        body(&gateway, 0),
        json!({ "name": "Acme Ltd", "custom_domain": "flows.acme.example", "metadata": { "a": 1 } })
    );
    for said in [
        "changed of acme: name, custom_domain",
        "_rp9-challenge.flows.acme.example TXT 0b0f3c",
        "has no TXT record",
    ] {
        assert!(told.out.contains(said), "{said}: {}", told.out);
    }
    assert!(told.err.contains("verify-domain"), "{told:?}");
    let words = [
        "tenants",
        "update",
        "acme",
        "--no-region",
        "--no-custom-domain",
        "--no-compliance",
        "--no-metadata",
        "--email",
        "a@b.co",
    ];
    let told = Rp9::at(&gateway, &words).run().await.expect(0);
    let none = json!({ "email": "a@b.co", "region": null, "custom_domain": null, "compliance": null, "metadata": null });
    assert_eq!((body(&gateway, 1), told.out.as_str()), (none, "acme is so already\n"));
}

#[tokio::test]
async fn nothing_to_change_and_what_contradicts_itself_is_not_sent() {
    let gateway = Gateway::open().await;
    for words in [
        &["tenants", "update", "acme"][..],
        &["tenants", "update", "acme", "--region", "eu", "--no-region"],
        &["tenants", "update", "acme", "--metadata", "[]"],
    ] {
        Rp9::at(&gateway, words).run().await.expect(2);
    }
    assert!(gateway.seen().is_empty());
}

#[tokio::test]
async fn a_claim_is_shown_with_what_to_set_and_looked_for_on_request() {
    let gateway = Gateway::open().await;
    gateway.says("GET /tenants/acme", [Turn::json(200, CLAIMED)]);
    let shown = Rp9::at(&gateway, &["tenants", "show", "acme"]).run().await.expect(0);
    for (name, said) in [
        ("domain is", "pending"),
        ("proven by", "_rp9-challenge.flows.acme.example TXT 0b0f3c"),
        ("leads here by", "flows.acme.example CNAME acme.flows.example"),
        ("last look", "2026-08-01 12:00:00Z: _rp9-challenge.flows.acme.example has no TXT record"),
    ] {
        let is_said = |line: &str| line.starts_with(name) && line.ends_with(said);
        assert!(shown.out.lines().any(is_said), "{name}: {}", shown.out);
    }
    let verify = "POST /tenants/acme/custom-domain/verify";
    let answer = r#"{"data":{"domain":"flows.acme.example","next_look_at":"2026-08-01T12:00:10Z"}}"#;
    gateway.says(verify, [Turn::json(202, answer)]);
    let told = Rp9::at(&gateway, &["tenants", "verify-domain", "acme"]).run().await.expect(0);
    assert!(told.out.contains("2026-08-01 12:00:10Z"), "{told:?}");
    assert!(gateway.seen_at(verify)[0].key.is_some());
}
