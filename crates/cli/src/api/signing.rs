//! What a request proves itself with: a signature over everything it consists of (`docs/api.md`).

use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// Unix seconds; the gateway accepts 300 either way.
    pub timestamp: u64,
    pub method: &'a str,
    /// Path and query exactly as they arrive.
    pub target: &'a str,
    pub body: &'a [u8],
    /// Empty without one.
    pub idempotency_key: &'a str,
}

/// The `v2` signature. `None` if the key is none that HMAC takes, which no length of text is.
pub fn signature(key: &SecretString, signable: &Signable<'_>) -> Option<String> {
    let Signable { timestamp, method, target, body, idempotency_key } = signable;
    let digest = hex::encode(Sha256::digest(body));
    let signed = format!("{timestamp}\n{method}\n{target}\n{digest}\n{idempotency_key}");
    let mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
    Some(format!("v2={}", hex::encode(mac.chain_update(signed).finalize().into_bytes())))
}

/// Now, as signatures and tokens tell it.
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Signable<'_> = Signable {
        timestamp: 1_785_585_600,
        method: "POST",
        target: "/tenants/acme?a=1",
        body: b"{\"a\":1}",
        idempotency_key: "k",
    };

    fn signed(signable: &Signable<'_>) -> String {
        signature(&"0123456789abcdef0123456789abcdef".into(), signable).unwrap()
    }

    #[test]
    fn a_known_signature_is_what_the_gateway_and_the_client_for_node_say() {
        // The same as in crates/gateway/src/auth/signature_tests.rs and deploy/netlify/test/signing.test.js.
        let known = "v2=75d56bb51a8da84585834beacc94b4fa753bc841ff13f237bcb6fa22f572b4cd";
        assert_eq!(signed(&SAMPLE), known);
    }

    #[test]
    fn every_part_is_signed() {
        let altered = [
            Signable { timestamp: 1_785_585_601, ..SAMPLE },
            Signable { method: "DELETE", ..SAMPLE },
            Signable { target: "/tenants/acme", ..SAMPLE },
            Signable { body: b"{\"a\":2}", ..SAMPLE },
            Signable { idempotency_key: "", ..SAMPLE },
        ];
        for other in altered {
            assert_ne!(signed(&other), signed(&SAMPLE), "{other:?}");
        }
    }
}
