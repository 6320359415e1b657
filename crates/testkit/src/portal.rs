//! Requests as a portal sends them: a token, and for commands a signature over everything and an idempotency key.

mod client;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use common::{
    clock,
    id::{OperationId, TenantId},
};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use client::Client;

pub const JWT_SECRET: &str = "jwt-secret-of-a-made-up-portal-0123456789";
pub const HMAC_SECRET: &str = "hmac-secret-of-a-made-up-portal-0123456789";

/// Longer than any run.
const TOKEN_SECONDS: i64 = 3 * 3600;

/// Somebody with a token who signs what they send.
#[derive(Clone)]
pub struct Caller {
    bearer: HeaderValue,
    mac: Hmac<Sha256>,
}

impl Caller {
    /// A portal.
    pub fn new() -> anyhow::Result<Self> {
        Self::with(json!({ "sub": "portal", "role": "service" }))
    }

    /// A customer to whom this tenant belongs.
    pub fn owner(subject: &str, tenant: TenantId) -> anyhow::Result<Self> {
        Self::with(json!({ "sub": subject, "role": "owner", "tenant_ids": [tenant] }))
    }

    fn with(mut claims: Value) -> anyhow::Result<Self> {
        claims["aud"] = "rp9-orchestrator".into();
        claims["exp"] = (clock::now().unix_timestamp() + TOKEN_SECONDS).into();
        let header = json!({ "alg": "HS256", "typ": "JWT" }).to_string();
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let code = keyed(JWT_SECRET)?.chain_update(&message).finalize().into_bytes();
        let bearer = format!("Bearer {message}.{}", URL_SAFE_NO_PAD.encode(code)).parse()?;
        Ok(Self { bearer, mac: keyed(HMAC_SECRET)? })
    }

    /// What it proves itself with.
    pub fn bearer(&self) -> anyhow::Result<&str> {
        Ok(self.bearer.to_str()?)
    }

    /// A tenant that has its address from the key, so that the same key always asks for the same.
    pub fn create(&self, key: Uuid, plan: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        self.command(Method::POST, "/tenants", tenant(key, plan, None), Some(key))
    }

    /// The same without a key, and with a region that cannot be: refused for that, after everything else was found right.
    pub fn create_nowhere(&self, key: Uuid, plan: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        self.command(Method::POST, "/tenants", tenant(key, plan, Some("Nowhere!")), None)
    }

    /// The end of a tenant.
    pub fn remove(&self, key: Uuid, tenant: TenantId) -> anyhow::Result<Request<Full<Bytes>>> {
        self.command(Method::DELETE, &format!("/tenants/{tenant}"), String::new(), Some(key))
    }

    /// An operation called off.
    pub fn cancel(&self, key: Uuid, operation: OperationId) -> anyhow::Result<Request<Full<Bytes>>> {
        self.command(Method::POST, &format!("/operations/{operation}/cancel"), String::new(), Some(key))
    }

    /// One tenant, looked at.
    pub fn show(&self, tenant: TenantId) -> anyhow::Result<Request<Full<Bytes>>> {
        self.look(&format!("/tenants/{tenant}"))
    }

    /// Anything that is only looked at.
    pub fn look(&self, target: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        Ok(self.request(Method::GET, target).body(Full::default())?)
    }

    /// Anything that changes something, signed.
    pub fn command(
        &self,
        method: Method,
        target: &str,
        body: String,
        key: Option<Uuid>,
    ) -> anyhow::Result<Request<Full<Bytes>>> {
        let key = key.map(|key| key.to_string());
        let timestamp = clock::now().unix_timestamp().to_string();
        let digest = hex::encode(Sha256::digest(&body));
        let signed =
            [timestamp.as_str(), method.as_str(), target, &digest, key.as_deref().unwrap_or_default()];
        let signature = hex::encode(self.mac.clone().chain_update(signed.join("\n")).finalize().into_bytes());
        let mut request = self.request(method, target).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.header("x-rp9-timestamp", timestamp);
        Ok(request.header("x-rp9-signature", format!("v2={signature}")).body(Full::new(body.into()))?)
    }

    fn request(&self, method: Method, target: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(target).header("host", "localhost");
        request.header("authorization", self.bearer.clone())
    }
}

/// Wherever there is room, and with nothing to comply with: what is asked for beyond that has to be offered by a cluster.
fn tenant(key: Uuid, plan: &str, region: Option<&str>) -> String {
    let body = json!({
        "name": "Acme Ltd", "email": "ada@acme.example", "subdomain": format!("t{}", key.simple()),
        "plan": plan, "mode": "dedicated", "region": region,
        "metadata": { "crm": "0042" },
    });
    body.to_string()
}

fn keyed(secret: &str) -> anyhow::Result<Hmac<Sha256>> {
    Ok(Hmac::new_from_slice(secret.as_bytes())?)
}
