//! What was asked, by whom, and what came of it.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Call, Platform, eventually, tenant};

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn the_log_is_listed_the_newest_first_and_narrowed(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let mut tenants = Vec::new();
    for subdomain in ["one", "two", "three"] {
        let created =
            platform.send(Call::post("/tenants", &tenant(subdomain)).by_a("service").signed()).await;
        tenants.push(created.json()["tenant_id"].as_str().unwrap().to_owned());
    }
    common::audit::seal(&database).await.unwrap();
    assert!(common::audit::verify(&database).await.unwrap().is_sound());
    let ask = async |query: &str| {
        let page = platform.send(Call::get(&format!("/audit?{query}")).by_a("operator")).await.json();
        let tenants = page["data"].as_array().expect("a page").iter();
        let tenants: Vec<_> = tenants.map(|entry| entry["tenant_id"].as_str().unwrap().to_owned()).collect();
        (tenants, page["next_cursor"].as_str().map(str::to_owned))
    };
    let (first, cursor) = ask("limit=2").await;
    assert_eq!(first, [tenants[2].clone(), tenants[1].clone()]);
    let (rest, end) = ask(&format!("limit=2&cursor={}", cursor.expect("another page"))).await;
    assert_eq!((rest, end), (vec![tenants[0].clone()], None));
    for (query, expected) in [
        (format!("tenant={}", tenants[1]), 1),
        ("tenant=two".into(), 1),
        ("action=tenant.create&outcome=accepted".into(), 3),
        ("action=tenant.delete".into(), 0),
        ("outcome=shown".into(), 0),
        ("actor=service-1&since=2026-01-01T00:00:00Z".into(), 3),
        ("actor=nobody".into(), 0),
        ("since=9000-01-01T00:00:00Z".into(), 0),
        ("since=0370-10-13T03:53:16%2B21:01".into(), 3),
    ] {
        assert_eq!(ask(&query).await.0.len(), expected, "{query}");
    }
    let wrong = platform.send(Call::get("/audit?tenant=X&since=monday&page=1").by_a("admin")).await;
    wrong.assert_problem(422, "invalid_fields");
    assert_eq!(wrong.field_errors().len(), 3);
    // A moment that no UTC has a name for.
    let beyond = platform.send(Call::get("/audit?since=9999-12-31T23:59:59-01:00").by_a("admin")).await;
    beyond.assert_problem(422, "invalid_fields");
    let nul = platform.send(Call::get("/audit?actor=a%00b").by_a("admin")).await;
    nul.assert_problem(422, "invalid_fields");
    platform.stop().await;
}

/// What is in the log: action, outcome, the words of whoever asked.
type Noted = (String, String, Option<String>);

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn what_is_refused_is_noted_with_what_it_was_about(database: PgPool) {
    let platform = Platform::on(database.clone()).await;
    let create = |body: &Value, role: &str| Call::post("/tenants", body).by_a(role).signed();
    let (mut taken, mut wrong) = (tenant("acme"), tenant("bolt\u{0}\n-"));
    platform.send(create(&taken, "admin")).await;
    taken["name"] = "Another".into();
    wrong["plan"] = "gold".into();
    let letter = "dl_0198c0de0000700080000000000000cc";
    let delete = |target: &str, role: &str| Call::delete(target).by_a(role).signed();
    let refusals = [
        (create(&taken, "admin"), "tenant.create", "subdomain_taken", Some("acme")),
        (create(&wrong, "admin"), "tenant.create", "invalid_fields", Some("bolt-")),
        (Call::post("/tenants", &json!([])).by_a("admin").signed(), "tenant.create", "invalid_fields", None),
        (delete("/tenants/nobody", "admin"), "tenant.delete", "not_found", Some("nobody")),
        (delete("/tenants/acme", "admin").body("{}"), "tenant.delete", "signature_invalid", Some("acme")),
        (
            delete(&format!("/dead-letters/{letter}"), "admin"),
            "dead_letter.delete",
            "not_found",
            Some(letter),
        ),
        (
            delete(&format!("/dead-letters/{letter}"), "service"),
            "dead_letter.delete",
            "forbidden",
            Some(letter),
        ),
    ];
    for (call, ..) in &refusals {
        platform.send(call.clone()).await;
    }
    let page = async |query: &str| {
        let page = platform.send(Call::get(&format!("/audit?{query}")).by_a("operator")).await.json();
        page["data"].as_array().expect("a page").clone()
    };
    eventually(async || page("outcome=refused").await.len() == refusals.len()).await;
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let noted = |entry: &Value| -> Noted {
        (text(entry, "action").unwrap(), text(entry, "outcome").unwrap(), text(entry, "reason"))
    };
    let mut seen: Vec<Noted> = page("outcome=refused").await.iter().map(noted).collect();
    let mut expected: Vec<Noted> = refusals
        .into_iter()
        .map(|(_, action, code, about)| {
            (action.to_owned(), format!("refused: {code}"), about.map(str::to_owned))
        })
        .collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(page("outcome=subdomain_taken&action=tenant.create").await.len(), 1);
    platform.stop().await;
}
