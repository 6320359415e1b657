use common::config::Env;
use http::{HeaderMap, HeaderValue, header};

use super::*;
use crate::{auth::bearer::bearer, problem::Code};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn keys() -> TokenKeys {
    Env::of([("JWT_SECRET", SECRET)]).load().unwrap()
}

fn identify(value: &str) -> Result<Identity, Code> {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
    bearer(&headers).and_then(|token| keys().identify(token)).map_err(|problem| problem.code())
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
fn a_token_that_is_refused_is_told_why() {
    let now = common::clock::now().unix_timestamp();
    let good = serde_json::json!({ "sub": "a", "role": "admin", "aud": AUDIENCE, "exp": now + 60 });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        token(claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        token(claims)
    };
    let signed = |header: jsonwebtoken::Header, secret: &str| {
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&header, &good, &key).unwrap()
    };
    let other = SECRET.to_uppercase();
    let named = jsonwebtoken::Header { kid: Some("last-year".into()), ..Default::default() };
    let year = 366 * 86_400;
    let cases = [
        (with("exp", (now * 1_000).into()), "not milliseconds"),
        (with("exp", (now + year + 100_000).into()), "expires in 367 days (`exp`); here it may be 366"),
        (with("exp", 1e12.into()), "far future"),
        (with("exp", (now - 301).into()), "expired 301 seconds ago"),
        (with("exp", "soon".into()), "`exp` must be a number"),
        (with("nbf", (now + 301).into()), "for another 301 seconds"),
        (with("nbf", (now * 1_000).into()), "not milliseconds"),
        (with("aud", "other".into()), "(`aud`) must be `rp9-orchestrator`"),
        (with("role", "root".into()), "one of: admin, operator, service, owner"),
        (with("role", "owner".into()), "lists the owner's tenants"),
        (with("tenant_ids", "acme".into()), "`tenant_ids` must be a list"),
        (with("sub", "a\nb".into()), "`sub` must be 1 to 255 bytes"),
        (with("sub", KeyId::generate().to_string().into()), "`sub` must not be the id of an API key"),
        (without("role"), "has no `role`"),
        (without("exp"), "has no `exp`"),
        (signed(jsonwebtoken::Header::default(), &other), "another secret"),
        (signed(named, SECRET), "(`kid`) that is not known"),
        (signed(jsonwebtoken::Header::new(Algorithm::HS384), SECRET), "not three parts"),
    ];
    for (token, expected) in cases {
        let headers =
            HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
        let told = bearer(&headers).and_then(|token| keys().identify(token)).unwrap_err().to_string();
        assert!(told.contains(expected), "{expected}: {told}");
        assert!(!told.contains("last-year") && !told.contains("root"), "nothing of it is repeated: {told}");
    }
    let longest =
        token(serde_json::json!({ "sub": "a", "role": "admin", "aud": AUDIENCE, "exp": now + year }));
    assert!(identify(&format!("Bearer {longest}")).is_ok());
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
