//! Tokens that were not given by us, or not like this.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{Claims, JWT_SECRET, NEXT_SECRET};

/// Tokens that somebody might try instead of an honest one.
pub fn forged_tokens() -> Vec<(&'static str, String)> {
    [malformed(), with_a_forged_header(), with_forged_claims()].concat()
}

/// Not three parts under an HMAC of ours.
fn malformed() -> Vec<(&'static str, String)> {
    let admin = Claims::of("admin");
    let honest = admin.sign();
    let parts: Vec<&str> = honest.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let other = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}");
    vec![
        ("nothing", String::new()),
        ("no token at all", "admin".into()),
        ("another secret", admin.clone().secret(&JWT_SECRET.to_uppercase()).sign()),
        ("the key of another name", admin.clone().secret(NEXT_SECRET).sign()),
        ("an empty signature", format!("{header}.{claims}.")),
        ("no signature", format!("{header}.{claims}")),
        ("a cut signature", honest[..honest.len() - 2].to_owned()),
        ("a padded signature", format!("{honest}=")),
        ("a signature spelled differently", respell(&honest)),
        ("five parts", format!("{honest}.{header}.{claims}")),
        ("four parts", format!("{honest}.{signature}")),
        ("a leading dot", format!(".{honest}")),
        ("other claims under this signature", format!("{header}.{other}.{signature}")),
        ("another header under this signature", format!("{other}.{claims}.{signature}")),
        ("an API key that nobody made", format!("rp9_{}_{}", "0".repeat(32), "0".repeat(64))),
        ("half an API key", format!("rp9_{}_", "0".repeat(32))),
        ("more than 8 kB", admin.claim("pad", "x".repeat(8 * 1024)).sign()),
    ]
}

/// Signed by us, under a header that we never write.
fn with_a_forged_header() -> Vec<(&'static str, String)> {
    let admin = Claims::of("admin");
    let claims = admin.claims.to_string();
    let raw = |header: &str| Claims::sign_parts(header, &claims, JWT_SECRET);
    let mut tokens = vec![
        ("an unknown key", admin.clone().header("kid", "nobody").sign()),
        ("a path for a key", admin.clone().header("kid", "../../dev/null").sign()),
        ("a number for a key", admin.clone().header("kid", 1).sign()),
        ("two keys", raw(r#"{"alg":"HS256","kid":"next","kid":"next"}"#)),
        ("two algorithms", raw(r#"{"alg":"HS256","alg":"none"}"#)),
        ("an extension that must be understood", admin.clone().header("crit", json!(["exp"])).sign()),
        ("a null extension", admin.clone().header("crit", Value::Null).sign()),
        ("a header that is no JSON", raw("alg=HS256")),
    ];
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "hs256", "RS256", "ES256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm }).to_string());
        tokens
            .push(("another algorithm, unsigned", format!("{header}.{}.", URL_SAFE_NO_PAD.encode(&claims))));
        tokens.push(("another algorithm, signed", admin.clone().header("alg", algorithm).sign()));
    }
    tokens
}

/// Signed by us, with claims that we never make.
fn with_forged_claims() -> Vec<(&'static str, String)> {
    let admin = Claims::of("admin");
    let raw = |claims: &str| Claims::sign_parts(&admin.header.to_string(), claims, JWT_SECRET);
    let twice = admin.claims.to_string().replacen('{', r#"{"role":"owner","#, 1);
    let claim = |name: &str, value: Value| admin.clone().claim(name, value).sign();
    let without = |name: &str| admin.clone().without(name).sign();
    vec![
        ("claims that are no JSON", raw("sub=admin")),
        ("claims that are a list", raw("[]")),
        ("a claim twice", raw(&twice)),
        ("no expiry", without("exp")),
        ("a text for expiry", claim("exp", json!(Claims::in_seconds(600).to_string()))),
        ("expired", claim("exp", json!(Claims::in_seconds(-32)))),
        ("expired long ago", claim("exp", json!(0))),
        ("a negative expiry", claim("exp", json!(-1))),
        ("an expiry in milliseconds", claim("exp", json!(Claims::in_seconds(600) * 1_000))),
        ("an expiry in ten years", claim("exp", json!(Claims::in_seconds(3_650 * 86_400)))),
        ("not valid yet", claim("nbf", json!(Claims::in_seconds(300)))),
        ("a text for its beginning", claim("nbf", json!("soon"))),
        ("no audience", without("aud")),
        ("another audience", claim("aud", json!("somewhere-else"))),
        ("several audiences", claim("aud", json!(["rp9-orchestrator"]))),
        ("no role", without("role")),
        ("an unknown role", Claims::of("root").sign()),
        ("several roles", claim("role", json!(["admin"]))),
        ("no subject", without("sub")),
        ("an empty subject", claim("sub", json!(""))),
        ("a subject that breaks lines", claim("sub", json!("a\nb"))),
        ("a subject with a NUL", claim("sub", json!("a\0b"))),
        ("an owner of nobody said what", Claims::of("owner").sign()),
        ("an owner of what is no tenant", Claims::owner(&["acme"]).sign()),
    ]
}

/// The same signature with other trailing bits, which lenient decoders ignore.
fn respell(token: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let index = alphabet.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", alphabet[index ^ 1] as char)
}
