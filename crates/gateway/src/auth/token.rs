//! Bearer tokens: JSON Web Tokens under HS256 and nothing else (RFC 8725).

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    clock,
    config::{Env, Section},
    id::TenantId,
};
use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{Role, secret};
use crate::{
    problem::{Code, Problem},
    tenants::words,
};

const AUDIENCE: &str = "rp9-orchestrator";
/// Clocks of honest callers differ by less than this.
const LEEWAY_SECONDS: u64 = 30;
/// A token is read before anybody is known, so it is kept short.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_REST: i64 = 7 * 24 * 60 * 60;
/// The output of HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// Who is asking, as their token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    subject: String,
    role: Role,
    scope: Scope,
    /// Unix seconds.
    expires: i64,
}

impl Identity {
    /// Who it is, for the audit log and as the owner of idempotency keys.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What they are to the platform.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Which tenants exist as far as they are concerned.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// For how long the token will be accepted still.
    pub fn valid_for(&self) -> Duration {
        let until = self.expires.saturating_add(LEEWAY_SECONDS.cast_signed());
        let seconds = until.saturating_sub(clock::now().unix_timestamp());
        // Nothing lasts longer than a week in one piece, whatever a token says.
        Duration::from_secs(seconds.clamp(0, MAX_REST).unsigned_abs())
    }
}

/// Which tenants somebody can see. Made from a verified token only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Option<Arc<[TenantId]>>);

impl Scope {
    /// Whether this tenant is visible. What concerns no tenant is for those who see all.
    pub fn sees(&self, tenant: Option<TenantId>) -> bool {
        self.0.as_ref().is_none_or(|visible| tenant.is_some_and(|tenant| visible.contains(&tenant)))
    }

    /// The only tenants visible, or `None` when all are.
    pub fn only(&self) -> Option<&[TenantId]> {
        self.0.as_deref()
    }
}

/// The keys that tokens are signed with.
pub struct TokenKeys {
    unnamed: DecodingKey,
    named: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys").field("named", &self.named.keys()).finish_non_exhaustive()
    }
}

impl Section for TokenKeys {
    fn read(env: &mut Env) -> Option<Self> {
        let unnamed = env.secret("JWT_SECRET").and_then(|key| secret::strong(env, "JWT_SECRET", key));
        let named = env.optional_secret("JWT_KEYS").and_then(|keys| match keys {
            Some(keys) => parse_named(env, keys.expose_secret()),
            None => Some(HashMap::new()),
        });
        let unnamed = DecodingKey::from_secret(unnamed?.expose_secret().as_bytes());
        Some(Self { unnamed, named: named?, validation: validation() })
    }
}

fn parse_named(env: &mut Env, text: &str) -> Option<HashMap<String, DecodingKey>> {
    let mut keys = HashMap::new();
    for pair in text.split(',') {
        let parsed = pair.trim().split_once('=').filter(|(kid, key)| {
            !kid.is_empty() && kid.bytes().all(|b| b.is_ascii_graphic()) && key.len() >= secret::MIN_BYTES
        });
        let Some((kid, key)) = parsed else {
            return env
                .problem("JWT_KEYS must read `kid=secret,kid=secret`, each secret 32 bytes or more".into());
        };
        if keys.insert(kid.to_owned(), DecodingKey::from_secret(key.as_bytes())).is_some() {
            return env.problem("JWT_KEYS names a key twice".into());
        }
    }
    Some(keys)
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY_SECONDS;
    validation
}

#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that must be understood; none are.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// True for anything at all, `null` included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    role: Role,
    /// A number, perhaps with a fraction: checked by the library.
    exp: f64,
    /// One audience; a list would make the same token good elsewhere.
    #[serde(rename = "aud")]
    _aud: String,
    #[serde(default)]
    tenant_ids: Option<Vec<TenantId>>,
}

impl TokenKeys {
    /// Who the request's token says it is from.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or_else(|| Problem::new(Code::TokenMissing))?;
        if values.next().is_some() {
            return Err(Problem::new(Code::TokenInvalid));
        }
        let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::new(Code::TokenMissing));
        }
        self.verify(token).ok_or_else(|| Problem::new(Code::TokenInvalid))?
    }

    /// `None` for what is no token of ours; a problem of its own for one that only came too late or too early.
    fn verify(&self, token: &str) -> Option<Result<Identity, Problem>> {
        let key = self.key_of(token)?;
        match jsonwebtoken::decode::<Claims>(token, key, &self.validation) {
            Ok(token) => identity(token.claims).map(Ok),
            Err(error) => is_about_time(error.kind()).then(|| Err(Problem::new(Code::TokenExpired))),
        }
    }

    /// The key that the token names. Everything the library would be lenient about is refused here.
    fn key_of(&self, token: &str) -> Option<&DecodingKey> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let mut parts = token.split('.');
        let (header, _claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        // Strict: one spelling per signature, so that a token has one spelling too.
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if parts.next().is_some() || signature.len() != SIGNATURE_BYTES {
            return None;
        }
        let header: TokenHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != "HS256" || header.crit {
            return None;
        }
        match header.kid {
            None => Some(&self.unnamed),
            Some(kid) => self.named.get(&kid),
        }
    }
}

fn is_about_time(error: &ErrorKind) -> bool {
    matches!(error, ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature)
}

fn identity(claims: Claims) -> Option<Identity> {
    let Claims { sub: subject, role, tenant_ids, exp, _aud } = claims;
    if !words::is_subject(&subject) {
        return None;
    }
    let scope = match role {
        Role::Owner => Scope(Some(tenant_ids?.into())),
        Role::Admin | Role::Operator | Role::Service => Scope(None),
    };
    // A cast that saturates; what is far off is cut anyway.
    Some(Identity { subject, role, scope, expires: exp as i64 })
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
