use common::config::Env;
use http::HeaderValue;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn keys() -> TokenKeys {
    Env::of([("JWT_SECRET", SECRET)]).load().unwrap()
}

fn identify(value: &str) -> Result<Identity, Code> {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
    keys().identify(&headers).map_err(|problem| problem.code())
}

fn token(claims: serde_json::Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[test]
fn an_owner_sees_their_tenants_and_staff_sees_all() {
    let exp = common::clock::now().unix_timestamp() + 60;
    let mine = TenantId::generate();
    let owner = serde_json::json!({
        "sub": "o", "role": "owner", "aud": AUDIENCE, "exp": exp, "tenant_ids": [mine]
    });
    assert_eq!(
        identify(&format!("Bearer {}", token(owner))).unwrap().scope().only(),
        Some([mine].as_slice())
    );
    // What an admin's token says of tenants does not narrow anything.
    let admin =
        serde_json::json!({ "sub": "a", "role": "admin", "aud": AUDIENCE, "exp": exp, "tenant_ids": [mine] });
    assert_eq!(identify(&format!("bearer {}", token(admin))).unwrap().scope().only(), None);
}

#[test]
fn what_is_not_a_bearer_token_is_no_token() {
    for value in ["", "Basic abc", "Bearer", "Token abc"] {
        assert_eq!(identify(value), Err(Code::TokenMissing), "{value:?}");
    }
    assert_eq!(identify("Bearer  two spaces"), Err(Code::TokenInvalid));
}

#[test]
fn named_keys_are_long_and_named_once() {
    let load = |text: &str| Env::of([("JWT_SECRET", SECRET), ("JWT_KEYS", text)]).load::<TokenKeys>();
    assert!(load(&format!("a={SECRET},b={SECRET}")).is_ok());
    for bad in [&format!("a={SECRET},a={SECRET}"), "a=short", SECRET, &format!("={SECRET}"), ","] {
        assert!(load(bad).is_err(), "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_a_token(text in "[ -~]{0,200}", a in "[A-Za-z0-9_-]{0,60}", b in "[A-Za-z0-9_-]{0,60}") {
        proptest::prop_assert!(identify(&text).is_err());
        let shaped = format!("Bearer {a}.{b}.{}", "A".repeat(43));
        proptest::prop_assert!(identify(&shaped).is_err());
    }
}
