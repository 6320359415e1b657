//! Finding tenants by what people type.

use serde_json::Value;
use sqlx::PgPool;

use crate::support::{Call, Claims, Platform, tenant};

const NAMES: [&str; 10] = [
    "İstanbul Ltd",
    "ΣΟΦΟΣ",
    "Σοφός Α.Ε.",
    "Café Müller",
    "Zoe\u{308} B.V.",
    "Straße & Söhne",
    "株式会社ガ",
    "100% Bolt_1",
    "back\\slash",
    "Ёлка",
];

async fn named(platform: &Platform, number: usize, name: &str) -> String {
    let mut body = tenant(&format!("number-{number}"));
    body["name"] = name.into();
    body["email"] = format!("Ada{number}@Example.com").into();
    let created = platform.send(Call::post("/tenants", &body).by_a("service").signed()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    created.json()["tenant_id"].as_str().unwrap().to_owned()
}

/// The places of the names that this finds.
async fn found(platform: &Platform, claims: &Claims, typed: &str) -> Vec<usize> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
    let page = platform.send(Call::get(&format!("/tenants?{query}")).by(claims)).await.json();
    let place = |tenant: &Value| NAMES.iter().position(|name| tenant["name"] == *name).unwrap();
    let mut places: Vec<_> = page["data"].as_array().unwrap().iter().map(place).collect();
    places.sort_unstable();
    places
}

#[sqlx::test(migrator = "common::database::MIGRATOR")]
#[ignore = "needs servers: deploy/test"]
async fn names_are_found_as_they_were_typed_and_as_others_type_them(database: PgPool) {
    let platform = Platform::on(database).await;
    let mut ids = Vec::new();
    for (number, name) in NAMES.into_iter().enumerate() {
        ids.push(named(&platform, number, name).await);
    }
    let admin = Claims::of("admin");
    for (place, name) in NAMES.into_iter().enumerate() {
        assert!(found(&platform, &admin, name).await.contains(&place), "{name}");
    }
    for (typed, places) in [
        ("istanbul", &[0][..]),
        ("ISTANBUL", &[0]),
        ("ıstanbul", &[0]),
        ("σοφος", &[1, 2]),
        ("σοφός", &[1, 2]),
        ("ΣΟΦ", &[1, 2]),
        ("cafe\u{301} mu", &[3]),
        ("CAFÉ", &[3]),
        ("zoë", &[4]),
        ("STRASSE", &[5]),
        ("strasse", &[5]),
        ("ソ", &[]),
        ("式会", &[6]),
        ("100%", &[7]),
        ("%", &[7]),
        ("t_1", &[7]),
        ("K\\S", &[8]),
        ("елка", &[9]),
        ("ada7@EXAMPLE.com", &[7]),
        ("Number-3", &[3]),
        ("nobody", &[]),
    ] {
        assert_eq!(found(&platform, &admin, typed).await, places, "{typed}");
    }
    // Owners find theirs the same way, and nobody else's.
    let owner = Claims::owner(&[&ids[1]]);
    assert_eq!(found(&platform, &owner, "σοφός").await, [1]);
    platform.stop().await;
}
