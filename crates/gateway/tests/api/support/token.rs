//! Tokens as callers bring them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

pub const JWT_SECRET: &str = "jwt-secret-of-the-tests-0123456789";
/// Known under the name `next`.
pub const NEXT_SECRET: &str = "jwt-secret-for-rotation-0123456789";
pub const HMAC_SECRET: &str = "hmac-secret-of-the-tests-012345678";

/// A token being made, honest until told otherwise.
#[derive(Debug, Clone)]
pub struct Claims {
    pub header: Value,
    pub claims: Value,
    pub secret: String,
}

impl Claims {
    /// Somebody with this role.
    pub fn of(role: &str) -> Self {
        Self {
            header: json!({ "alg": "HS256", "typ": "JWT" }),
            claims: json!({
                "sub": format!("{role}-1"), "role": role, "aud": "rp9-orchestrator", "exp": Self::in_seconds(600)
            }),
            secret: JWT_SECRET.to_owned(),
        }
    }

    /// A customer who owns these tenants.
    pub fn owner(tenants: &[&str]) -> Self {
        Self::of("owner").claim("tenant_ids", json!(tenants))
    }

    /// A moment as tokens tell it.
    pub fn in_seconds(seconds: i64) -> i64 {
        common::clock::now().unix_timestamp() + seconds
    }

    /// With this claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Without this claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// With this in the header.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Under another secret.
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = secret.to_owned();
        self
    }

    /// The token.
    pub fn sign(&self) -> String {
        Self::sign_parts(&self.header.to_string(), &self.claims.to_string(), &self.secret)
    }

    /// A token of parts that need not be what they should.
    pub fn sign_parts(header: &str, claims: &str, secret: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&message);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}
