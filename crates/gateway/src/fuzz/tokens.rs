//! Bearer tokens: honest ones, almost honest ones, and noise.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::config::Env;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, header};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{a_change, hold, with_a_byte_changed};
use crate::auth::{TokenKeys, bearer};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NEXT: &str = "fedcba9876543210fedcba9876543210";
const LEEWAY_SECONDS: f64 = 30.0;

fn mac(secret: &str, message: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(message);
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Nine times of ten one that is right: otherwise hardly a token would be right in all its parts.
fn mostly<T: Clone + std::fmt::Debug + 'static>(right: Vec<T>, wrong: Vec<T>) -> impl Strategy<Value = T> {
    prop_oneof![9 => select(right), 1 => select(wrong)]
}

/// A header, claims and a secret, each right or almost.
fn a_token() -> impl Strategy<Value = String> {
    let now = common::clock::now().unix_timestamp();
    let header =
        (mostly(vec!["HS256"], vec!["none", "HS512", "hs256", "RS256"]), mostly(vec![0, 1], vec![2, 3]));
    let claims = (
        mostly(vec![json!("ada")], vec![json!(""), json!("a\0b"), json!(7), json!("x".repeat(256))]),
        mostly(vec!["admin", "operator", "service", "owner"], vec!["root"]),
        mostly(
            vec![json!("rp9-orchestrator")],
            vec![json!("other"), json!(["rp9-orchestrator"]), Value::Null],
        ),
        mostly(vec![json!(now + 3_600)], vec![json!(now - 3_600), json!("soon"), json!(1e300), json!(-1)]),
        mostly(
            vec![json!([]), json!(["ten_0198c0de0000700080000000000000aa"])],
            vec![json!(["ten_x"]), Value::Null],
        ),
        prop::option::weighted(0.1, Just(now + 3_600)),
    );
    let secret = mostly(vec![SECRET, NEXT], vec!["", "another-secret-that-is-not-ours-0000"]);
    (header, claims, secret, a_change()).prop_map(
        |((algorithm, kid), claims, secret, change): ((_, i32), _, _, _)| {
            let (sub, role, aud, exp, tenants, nbf) = claims;
            let mut header = json!({ "alg": algorithm, "typ": "JWT" });
            match kid {
                1 => header["kid"] = "next".into(),
                2 => header["kid"] = "nobody".into(),
                3 => header["crit"] = json!(["exp"]),
                _ => {}
            }
            let mut claims =
                json!({ "sub": sub, "role": role, "aud": aud, "exp": exp, "tenant_ids": tenants });
            if let Some(nbf) = nbf {
                claims["nbf"] = nbf.into();
            }
            let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let message = format!("{header}.{claims}");
            with_a_byte_changed(&format!("Bearer {message}.{}", mac(secret, &message)), change)
        },
    )
}

/// Whether we signed it, and what it says.
fn signed_by_us(value: &str) -> Option<Value> {
    let token = value.split_once(' ')?.1;
    let (message, signature) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let header = read(header)?;
    let secret = match header.get("kid").and_then(Value::as_str) {
        None => SECRET,
        Some("next") => NEXT,
        Some(_) => return None,
    };
    let ours = signature == mac(secret, message) && header["alg"] == "HS256" && header.get("crit").is_none();
    ours.then(|| read(claims)).flatten()
}

#[test]
fn a_token_that_is_accepted_was_signed_by_us_for_now() {
    let keys: TokenKeys =
        Env::of([("JWT_SECRET", SECRET.to_owned()), ("JWT_KEYS", format!("next={NEXT}"))]).load().unwrap();
    let accepted = std::cell::Cell::new(0_u32);
    let values = prop_oneof![8 => a_token(), 1 => "[ -~]{0,200}", 1 => "(?i:bearer) [A-Za-z0-9_.-]{0,120}"];
    hold(values, |value| {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(&value).unwrap())]);
        let Ok(identity) = bearer(&headers).and_then(|token| keys.identify(token)) else { return Ok(()) };
        accepted.set(accepted.get() + 1);
        let claims = signed_by_us(&value);
        prop_assert!(claims.is_some(), "it was not signed by us");
        let claims = claims.unwrap_or_default();
        prop_assert_eq!(claims["aud"].as_str(), Some("rp9-orchestrator"));
        prop_assert_eq!(claims["sub"].as_str(), Some(identity.subject()));
        prop_assert_eq!(claims["role"].as_str(), Some(identity.role().as_str()));
        let now = common::clock::now().unix_timestamp() as f64;
        prop_assert!(claims["exp"].as_f64().is_some_and(|exp| exp + LEEWAY_SECONDS >= now));
        prop_assert!(claims["nbf"].as_f64().is_none_or(|nbf| nbf - LEEWAY_SECONDS <= now));
        // An owner sees what the token lists, and nothing without a list; others are not narrowed.
        let listed = identity.scope().only().map(|tenants| tenants.len());
        let expected = (claims["role"] == "owner").then(|| claims["tenant_ids"].as_array().map(Vec::len));
        prop_assert_eq!(listed.map(Some), expected);
        Ok(())
    });
    assert!(accepted.get() > 0, "no honest token among them");
}
