//! Bearer tokens: JSON Web Tokens under HS256 and nothing else (RFC 8725).

mod why;

use std::{collections::HashMap, fmt, num::NonZeroU32};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    clock,
    config::{Env, Section},
    id::{KeyId, TenantId},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

pub(super) use self::why::invalid;
use super::{Identity, Role, Scope, secret};
use crate::{problem::Problem, tenants::words};

const AUDIENCE: &str = "rp9-orchestrator";
/// Clocks of honest callers differ by less than this.
pub const LEEWAY_SECONDS: u64 = 30;
/// A year, and a day for whoever counts on leap years. Longer than any program needs that can make tokens by itself, and short enough that
/// milliseconds in place of seconds are noticed.
const MAX_DAYS: u32 = 366;
/// A token is read before anybody is known, so it is kept short.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The output of HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// The keys that tokens are signed with.
pub struct TokenKeys {
    unnamed: DecodingKey,
    named: HashMap<String, DecodingKey>,
    validation: Validation,
    /// How long a token may be valid from now on.
    max_days: NonZeroU32,
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
        let max_days = env.or("JWT_MAX_DAYS", NonZeroU32::new(MAX_DAYS)?);
        let unnamed = DecodingKey::from_secret(unnamed?.expose_secret().as_bytes());
        Some(Self { unnamed, named: named?, validation: validation(), max_days: max_days? })
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
    /// Who this token says it is from.
    pub fn identify(&self, token: &str) -> Result<Identity, Problem> {
        self.verify(token, clock::now().unix_timestamp())
    }

    fn verify(&self, token: &str, now: i64) -> Result<Identity, Problem> {
        let key = self.key_of(token)?;
        match jsonwebtoken::decode::<Claims>(token, key, &self.validation) {
            Ok(token) => self.identity(token.claims, now),
            Err(error) => Err(why::refused(error.kind(), &claims_of(token), now)),
        }
    }

    /// The key that the token names. Everything the library would be lenient about is refused here.
    fn key_of(&self, token: &str) -> Result<&DecodingKey, Problem> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(invalid(format!("The token is longer than {} kB.", MAX_TOKEN_BYTES / 1024)));
        }
        let header = header_of(token).ok_or_else(|| {
            invalid(
                "The token is not three parts in base64url with dots between them, the first a JSON header and the last an HMAC-SHA256.",
            )
        })?;
        if header.alg != "HS256" || header.crit {
            return Err(invalid("The token must be signed with HS256 (`alg`), without extensions (`crit`)."));
        }
        match header.kid {
            None => Ok(&self.unnamed),
            Some(kid) => self
                .named
                .get(&kid)
                .ok_or_else(|| invalid("The token names a key (`kid`) that is not known here.")),
        }
    }

    fn identity(&self, claims: Claims, now: i64) -> Result<Identity, Problem> {
        let Claims { sub: subject, role, tenant_ids, exp, _aud } = claims;
        if !words::is_subject(&subject) {
            return Err(invalid(
                "The token's `sub` must be 1 to 255 bytes without characters that end a line or turn it around.",
            ));
        }
        // So are keys called, in the audit log and as owners of what is kept for them.
        if subject.parse::<KeyId>().is_ok() {
            return Err(invalid("The token's `sub` must not be the id of an API key."));
        }
        let days = self.max_days.get();
        if exp > now as f64 + f64::from(days) * 86_400.0 + LEEWAY_SECONDS as f64 {
            return Err(why::lasts_too_long(exp, now, days));
        }
        let scope = match (role, tenant_ids) {
            (Role::Owner, Some(tenants)) => Scope::of(tenants),
            (Role::Owner, None) => {
                return Err(invalid("An owner's token lists the owner's tenants in `tenant_ids`."));
            }
            (Role::Service, _) => Scope::customers(),
            (Role::Admin | Role::Operator, _) => Scope::all(),
        };
        // A cast that saturates.
        let until = (exp as i64).saturating_add(LEEWAY_SECONDS.cast_signed());
        Ok(Identity { subject, role, scope, until, key: None })
    }
}

/// The header of what looks like a token.
fn header_of(token: &str) -> Option<TokenHeader> {
    let mut parts = token.split('.');
    let (header, _claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    // Strict: one spelling per signature, so that a token has one spelling too.
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if parts.next().is_some() || signature.len() != SIGNATURE_BYTES {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

/// What a refused token says, for the explanation only.
fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
    claims.and_then(|claims| serde_json::from_slice(&claims).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
