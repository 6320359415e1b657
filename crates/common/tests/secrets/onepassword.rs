//! Answers of 1Password Connect, as the description of its API has them (version 1.8).

use secrecy::ExposeSecret;

use crate::recorded::{Recorded, problem, read};

const VAULTS: &str = r#"[{"id":"ytrfte14kw1uex5txaore1emkz","name":"rp9","attributeVersion":1,"contentVersion":72,"items":7,
  "type":"USER_CREATED","createdAt":"2026-04-10T17:34:26Z","updatedAt":"2026-04-13T14:33:50Z"}]"#;
const ITEMS: &str = r#"[{"id":"2fcbqwe9ndg175zg2dzwftvkpa","title":"rp9-gateway","tags":[],"vault":{"id":"ytrfte14kw1uex5txaore1emkz"},
  "category":"API_CREDENTIAL","createdAt":"2026-04-10T17:36:19Z","updatedAt":"2026-04-10T17:36:19Z"}]"#;
const ITEM: &str = r#"{"id":"2fcbqwe9ndg175zg2dzwftvkpa","title":"rp9-gateway","vault":{"id":"ytrfte14kw1uex5txaore1emkz"},
  "category":"API_CREDENTIAL","sections":[{"id":"95cdbc3b-7742-47ec-9056-44d6af82d562","label":"keys"}],"fields":[
  {"id":"notesPlain","type":"STRING","purpose":"NOTES","label":"notesPlain"},
  {"id":"username","type":"STRING","purpose":"USERNAME","label":"username","value":"hunter2-user"},
  {"id":"6w1uqzjx","type":"CONCEALED","label":"JWT_SECRET","value":"hunter2-jwt","section":{"id":"95cdbc3b-7742-47ec-9056-44d6af82d562"}},
  {"id":"7p2m","type":"CONCEALED","label":"HMAC_SECRET_PREVIOUS","value":""},
  {"id":"8r3n","type":"STRING","label":"DATABASE_URL","value":"postgres://rp9:hunter2@db/rp9"}]}"#;
const REFUSED: &str = r#"{"status":401,"message":"Invalid token signature"}"#;

fn settings(address: &str) -> [(&str, &str); 4] {
    [
        ("SECRETS_BACKEND", "onepassword"),
        ("OP_CONNECT_HOST", address),
        ("OP_CONNECT_TOKEN", "hunter2-token"),
        ("OP_VAULT", "rp9"),
    ]
}

fn answer(target: &str) -> (u16, String) {
    let body = match target.split('?').next().unwrap() {
        "/v1/vaults" => VAULTS,
        "/v1/vaults/ytrfte14kw1uex5txaore1emkz/items" => ITEMS,
        "/v1/vaults/ytrfte14kw1uex5txaore1emkz/items/2fcbqwe9ndg175zg2dzwftvkpa" => ITEM,
        _ => return (404, r#"{"status":404,"message":"vault not found"}"#.to_owned()),
    };
    (200, body.to_owned())
}

#[tokio::test]
async fn fields_are_secrets_by_their_labels() {
    let (recorded, address) = Recorded::start(answer).await;
    let secrets = read(&settings(&address)).await.unwrap();
    assert_eq!(format!("{secrets:?}"), r#"{"DATABASE_URL", "JWT_SECRET"}"#);
    assert_eq!(secrets.get("JWT_SECRET").unwrap().expose_secret(), "hunter2-jwt");
    let asked = recorded.asked();
    assert!(asked.iter().all(|(_, shown)| shown == "Bearer hunter2-token"));
    assert_eq!(asked[0].0, "/v1/vaults?filter=name+eq+%22rp9%22");
    assert!(asked[1].0.ends_with("/items?filter=title+eq+%22rp9-gateway%22"), "{asked:?}");
}

#[tokio::test]
async fn what_is_not_clear_is_told() {
    let twice = ITEM.replace("DATABASE_URL", "JWT_SECRET");
    let (item, none) = (&ITEMS[1..ITEMS.len() - 1], "[]".to_owned());
    let two = format!("[{item},{item}]");
    let cases: [(&'static str, u16, String, &str); 5] = [
        ("/v1/vaults?", 401, REFUSED.to_owned(), "refused to find the vault (401)"),
        ("/v1/vaults?", 200, none.clone(), "find the vault: 404"),
        ("/items?", 200, none, "find the item: 404"),
        ("/items?", 200, two, "several answers to `find the item`"),
        ("2fcbqwe9ndg175zg2dzwftvkpa", 200, twice, "two fields JWT_SECRET"),
    ];
    for (place, status, body, expected) in cases {
        let told =
            move |target: &str| if target.contains(place) { (status, body.clone()) } else { answer(target) };
        let (_, address) = Recorded::start(told).await;
        let error = read(&settings(&address)).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected) && !text.contains("hunter2"), "{expected}: {text}");
    }
}

#[test]
fn what_is_missing_or_cannot_be_asked_for_is_a_problem() {
    let [backend, host, token, vault] = settings("http://connect:8080");
    assert!(problem(&[backend, host, token]).contains("OP_VAULT is not set"));
    assert!(problem(&[backend, host, vault]).contains("OP_CONNECT_TOKEN_FILE"));
    assert!(problem(&[backend, token, vault]).contains("OP_CONNECT_HOST is not set"));
    assert!(problem(&[backend, host, token, ("OP_VAULT", "a\" or name eq \"b")]).contains("without quotes"));
}
