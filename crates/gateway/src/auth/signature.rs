//! Signed requests: what proves that a mutation is meant as it arrived.
//!
//! `v2` binds time, method, path, query, body and idempotency key. The older form binds time and body alone; it can be
//! switched off.

use std::fmt;

use common::config::{Env, Section};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, Uri};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{Role, secret};
use crate::problem::{Code, Problem};

const TIMESTAMP: &str = "x-rp9-timestamp";
const SIGNATURE: &str = "x-rp9-signature";
const UNSIGNED: &str = "The request must be signed: it needs both `x-rp9-timestamp` and `x-rp9-signature`.";
const NOT_BY_THE_KEY: &str = "The signature does not fit the request: with an API key it is made with the key's whole text, over the timestamp, the \
     method, the path with its query, the SHA-256 of the body and the idempotency key (or nothing), as they were sent, between line feeds.";
/// How far a signature's time may be from ours, either way.
const WINDOW_SECONDS: i64 = 300;

/// Who signs, and with what.
pub struct SignatureRules {
    current: Hmac<Sha256>,
    /// The secret before the last rotation, for as long as somebody still signs with it.
    previous: Option<Hmac<Sha256>>,
    unbound_allowed: bool,
    roles: Vec<Role>,
    reads: bool,
}

impl fmt::Debug for SignatureRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureRules").field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Section for SignatureRules {
    fn read(env: &mut Env) -> Option<Self> {
        let current = env.secret("HMAC_SECRET").and_then(|key| secret::strong(env, "HMAC_SECRET", key));
        let previous = env.optional_secret("HMAC_SECRET_PREVIOUS").and_then(|key| match key {
            Some(key) => secret::strong(env, "HMAC_SECRET_PREVIOUS", key).map(Some),
            None => Some(None),
        });
        let (unbound_allowed, reads) = (env.switch("HMAC_V1", true), env.switch("SIGNED_READS", false));
        let roles = read_roles(env);
        Some(Self {
            current: keyed(&current?)?,
            previous: match previous? {
                Some(key) => Some(keyed(&key)?),
                None => None,
            },
            unbound_allowed: unbound_allowed?,
            roles: roles?,
            reads: reads?,
        })
    }
}

fn keyed(key: &SecretString) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key.expose_secret().as_bytes()).ok()
}

fn read_roles(env: &mut Env) -> Option<Vec<Role>> {
    let text = env.or("SIGNED_ROLES", "admin,operator,service,owner".to_owned())?;
    let roles: Result<Vec<Role>, _> = text.split(',').map(|word| word.trim().parse()).collect();
    match roles {
        Ok(roles) if roles.contains(&Role::Service) && roles.contains(&Role::Owner) => Some(roles),
        Ok(_) => env.problem("SIGNED_ROLES can leave out `admin` and `operator` only".into()),
        Err(error) => env.problem(format!("SIGNED_ROLES is not valid: {error}")),
    }
}

/// What a signature may be made with.
enum Secrets<'a> {
    Platform { current: &'a Hmac<Sha256>, previous: Option<&'a Hmac<Sha256>> },
    Key(Hmac<Sha256>),
}

/// What a signature is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub body: &'a [u8],
    pub idempotency_key: Option<&'a str>,
}

/// A signature that fits; remembered, so that it is accepted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof([u8; 32]);

impl Proof {
    /// What the memory of signatures is keyed by.
    pub fn digest(&self) -> &[u8] {
        &self.0
    }
}

impl SignatureRules {
    /// Whether reads of this role are signed too.
    pub fn wanted_on_reads(&self, role: Role) -> bool {
        self.reads && self.roles.contains(&role)
    }

    /// Checks the request's signature, made with the platform's secret. `None` when this role need not sign and did not.
    pub fn check(
        &self,
        headers: &HeaderMap,
        request: &Signed<'_>,
        role: Role,
        now: OffsetDateTime,
    ) -> Result<Option<Proof>, Problem> {
        let secrets = Secrets::Platform { current: &self.current, previous: self.previous.as_ref() };
        self.check_with(&secrets, headers, request, role, now)
    }

    /// The same of a request that came with a key: its signature is made with that key's text and nothing else.
    pub fn check_by_key(
        &self,
        key: &str,
        headers: &HeaderMap,
        request: &Signed<'_>,
        role: Role,
        now: OffsetDateTime,
    ) -> Result<Option<Proof>, Problem> {
        // HMAC takes a key of any length.
        let code = Hmac::new_from_slice(key.as_bytes()).map_err(|_| Problem::new(Code::Internal))?;
        self.check_with(&Secrets::Key(code), headers, request, role, now)
    }

    fn check_with(
        &self,
        secrets: &Secrets<'_>,
        headers: &HeaderMap,
        request: &Signed<'_>,
        role: Role,
        now: OffsetDateTime,
    ) -> Result<Option<Proof>, Problem> {
        let (timestamp, signature) = match (single(headers, TIMESTAMP)?, single(headers, SIGNATURE)?) {
            (Some(timestamp), Some(signature)) => (timestamp, signature),
            (None, None) if !self.roles.contains(&role) => return Ok(None),
            _ => return Err(Problem::new(Code::SignatureMissing).detail(UNSIGNED)),
        };
        let age = now.unix_timestamp() - unix_seconds(timestamp)?;
        if age.abs() > WINDOW_SECONDS {
            let side = if age > 0 { "behind" } else { "ahead of" };
            return Err(Problem::new(Code::SignatureExpired).detail(format!(
                "The signature's time is {} seconds {side} our clock; {WINDOW_SECONDS} are accepted.",
                age.unsigned_abs()
            )));
        }
        self.verify(secrets, timestamp, signature, request).map(Some)
    }

    fn verify(
        &self,
        secrets: &Secrets<'_>,
        timestamp: &str,
        signature: &str,
        request: &Signed<'_>,
    ) -> Result<Proof, Problem> {
        let (form, digits) = match signature.strip_prefix("v2=") {
            Some(digits) => (Form::Bound, digits),
            // Nobody with a key learned the older form.
            None if self.unbound_allowed && matches!(secrets, Secrets::Platform { .. }) => {
                (Form::Unbound, signature)
            }
            None => return Err(invalid("Only signatures that begin with `v2=` are accepted here.")),
        };
        let mut code = [0; 32];
        hex::decode_to_slice(digits, &mut code).map_err(|_| {
            invalid("The signature must be 64 hexadecimal digits, after `v2=` if it is of that form.")
        })?;
        let message = form.message(timestamp, request);
        let fits = |key: &Hmac<Sha256>| key.clone().chain_update(&message).verify_slice(&code).is_ok();
        match secrets {
            Secrets::Platform { current, previous } if fits(current) || previous.is_some_and(fits) => {}
            Secrets::Key(key) if fits(key) => {}
            Secrets::Key(_) => return Err(invalid(NOT_BY_THE_KEY)),
            Secrets::Platform { .. } => return Err(invalid(form.does_not_fit())),
        }
        Ok(form.proof(&code, request))
    }
}

/// The two ways of signing.
#[derive(Clone, Copy)]
enum Form {
    /// `v2=`: everything the request consists of.
    Bound,
    /// Time and body.
    Unbound,
}

impl Form {
    fn message(self, timestamp: &str, request: &Signed<'_>) -> Vec<u8> {
        match self {
            Self::Unbound => [timestamp.as_bytes(), b"\n", request.body].concat(),
            Self::Bound => {
                let target = request.uri.path_and_query().map_or("/", |target| target.as_str());
                let body = hex::encode(Sha256::digest(request.body));
                let key = request.idempotency_key.unwrap_or_default();
                [timestamp, request.method.as_str(), target, &body, key].join("\n").into_bytes()
            }
        }
    }

    /// What its maker can look at.
    const fn does_not_fit(self) -> &'static str {
        match self {
            Self::Bound => {
                "The signature does not fit the request: made with another secret, or over something else than the timestamp, the method, \
                 the path with its query, the SHA-256 of the body and the idempotency key (or nothing), as they were sent, between line feeds."
            }
            Self::Unbound => {
                "The signature does not fit the request: made with another secret, or over something else than the timestamp, a line feed and \
                 the body as it was sent; or `v2=` is missing before it."
            }
        }
    }

    /// Over the code's bytes, not its spelling: capital digits are no second signature. Method and path are in it so
    /// that two honest calls with the same body in one second do not collide under the form that binds neither; the
    /// query is not, or changing it would make a repeat look new.
    fn proof(self, code: &[u8; 32], request: &Signed<'_>) -> Proof {
        let form = match self {
            Self::Bound => b"v2",
            Self::Unbound => b"v1",
        };
        let digest = Sha256::new()
            .chain_update(form)
            .chain_update(code)
            .chain_update(request.method.as_str())
            .chain_update(b"\n")
            .chain_update(request.uri.path());
        Proof(digest.finalize().into())
    }
}

/// A header that may be there once. Twice, and the next proxy might read the other one.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str());
    match (value, values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(invalid(format!("The header `{name}` must be there once, in visible ASCII."))),
    }
}

/// Digits alone: no sign, no fraction, no spaces.
fn unix_seconds(text: &str) -> Result<i64, Problem> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        invalid(format!("The header `{TIMESTAMP}` must be Unix seconds, digits alone, not milliseconds."))
    })
}

fn invalid(why: impl Into<String>) -> Problem {
    Problem::new(Code::SignatureInvalid).detail(why)
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
