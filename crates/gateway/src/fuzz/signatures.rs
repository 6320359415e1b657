//! Signed requests in both forms, altered or not.

use common::config::Env;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use proptest::{prelude::*, sample::select};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{a_change, hold, with_a_byte_changed};
use crate::auth::{Role, SignatureRules, Signed};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_785_585_600;

fn code(secret: &str, message: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(message);
    hex::encode(mac.finalize().into_bytes())
}

/// A request as it arrives.
#[derive(Debug, Clone)]
struct Arrived {
    method: Method,
    target: String,
    body: Vec<u8>,
    key: Option<String>,
    timestamp: String,
    signature: String,
}

impl Arrived {
    /// The codes that fit it under a secret: in the form that binds all, and in the older one.
    fn codes(&self, secret: &str) -> [String; 2] {
        let body = hex::encode(Sha256::digest(&self.body));
        let key = self.key.as_deref().unwrap_or("");
        let bound = format!("{}\n{}\n{}\n{body}\n{key}", self.timestamp, self.method, self.target);
        let unbound = [self.timestamp.as_bytes(), b"\n", &self.body].concat();
        [code(secret, bound.as_bytes()), code(secret, &unbound)]
    }

    /// Whether the contract lets it in.
    fn is_signed(&self, unbound_allowed: bool) -> bool {
        let digits =
            (1..=12).contains(&self.timestamp.len()) && self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let in_time = self.timestamp.parse().is_ok_and(|at: i64| (at - NOW).abs() <= 300);
        let [bound, unbound] = self.codes(SECRET);
        let fits = match self.signature.strip_prefix("v2=") {
            Some(given) => given.eq_ignore_ascii_case(&bound),
            None => unbound_allowed && self.signature.eq_ignore_ascii_case(&unbound),
        };
        digits && in_time && fits
    }
}

fn an_arrival() -> impl Strategy<Value = Arrived> {
    let request = (
        select(vec![Method::POST, Method::DELETE, Method::GET]),
        "/[a-z0-9%/._~-]{0,20}(\\?[a-z0-9=&%+]{0,20})?",
        prop::collection::vec(any::<u8>(), 0..80),
        prop::option::of("[!-~]{1,20}"),
    );
    let time = prop_oneof![8 => (-320..320_i64).prop_map(|off| (NOW + off).to_string()), 1 => "[ -~]{0,14}"];
    let secret = select(vec![SECRET, SECRET, SECRET, "another-secret-of-the-same-length"]);
    let changes = (a_change(), a_change(), prop::option::weighted(0.2, any::<u8>()));
    (request, time, secret, 0..4_u8, changes).prop_map(|(request, timestamp, secret, form, changes)| {
        let (method, target, body, key) = request;
        let mut sent = Arrived { method, target, body, key, timestamp, signature: String::new() };
        let [bound, unbound] = sent.codes(secret);
        sent.signature = match form {
            0 => format!("v2={bound}"),
            1 => unbound,
            2 => format!("v2={}", bound.to_uppercase()),
            _ => format!("v2={unbound}"),
        };
        sent.signature = with_a_byte_changed(&sent.signature, changes.0);
        sent.timestamp = with_a_byte_changed(&sent.timestamp, changes.1.filter(|_| changes.2.is_some()));
        sent.body.extend(changes.2);
        sent
    })
}

#[test]
fn a_signature_is_accepted_exactly_when_the_contract_says_so() {
    let rules =
        |v1| -> SignatureRules { Env::of([("HMAC_SECRET", SECRET), ("HMAC_V1", v1)]).load().unwrap() };
    let (lenient, strict) = (rules("on"), rules("off"));
    let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    let accepted = std::cell::Cell::new(0_u32);
    hold(an_arrival(), |request| {
        let Ok(uri) = request.target.parse::<Uri>() else { return Ok(()) };
        let pairs = [("x-rp9-timestamp", &request.timestamp), ("x-rp9-signature", &request.signature)];
        let headers: HeaderMap = pairs
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .into_iter()
            .collect();
        let key = request.key.as_deref();
        let signed = Signed { method: &request.method, uri: &uri, body: &request.body, idempotency_key: key };
        for (rules, unbound_allowed) in [(&lenient, true), (&strict, false)] {
            let checked = rules.check(&headers, &signed, Role::Service, now);
            prop_assert_eq!(checked.is_ok(), request.is_signed(unbound_allowed), "{:?}", checked);
            accepted.set(accepted.get() + u32::from(checked.is_ok()));
        }
        Ok(())
    });
    assert!(accepted.get() > 0, "no honest request among them");
}
