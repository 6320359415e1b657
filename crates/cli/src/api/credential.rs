//! Who is asking: a token that somebody was given, or one made for each request.

use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::signing::unix_seconds;

/// What every token is for.
const AUDIENCE: &str = "rp9-orchestrator";
/// Long enough for one request and a following that is renewed; short enough to be of no use to whoever finds it.
const LIFETIME_SECONDS: u64 = 300;

/// What proves who is asking.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Somebody else made it, for as long as they chose.
    Token(SecretString),
    /// A named key, which also signs.
    Key(SecretString),
    /// Made here, anew for each request.
    Minted(Mint),
}

/// What tokens are made of.
#[derive(Debug, Clone)]
pub struct Mint {
    pub secret: SecretString,
    /// Which of the gateway's keys it is, where it has several.
    pub kid: Option<String>,
    pub role: String,
    /// Who it is, for the audit log.
    pub subject: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    role: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

impl Credential {
    /// A token that is valid now.
    pub fn token(&self) -> Result<SecretString, jsonwebtoken::errors::Error> {
        match self {
            Self::Token(text) | Self::Key(text) => Ok(text.clone()),
            Self::Minted(mint) => mint.token(unix_seconds()),
        }
    }

    /// In a word, for those who were refused.
    pub fn describe(&self) -> String {
        match self {
            Self::Token(_) => "with the token it was given".to_owned(),
            // `rp9_`, the id, `_`, the secret.
            Self::Key(text) => {
                format!("with the key key_{}", text.expose_secret().split('_').nth(1).unwrap_or_default())
            }
            Self::Minted(Mint { role, subject, .. }) => format!("as {subject} ({role})"),
        }
    }
}

impl Mint {
    fn token(&self, now: u64) -> Result<SecretString, jsonwebtoken::errors::Error> {
        let Self { secret, kid, role, subject } = self;
        let header = Header { kid: kid.clone(), ..Header::default() };
        let claims = Claims { sub: subject, role, aud: AUDIENCE, iat: now, exp: now + LIFETIME_SECONDS };
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        jsonwebtoken::encode(&header, &claims, &key).map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(kid: Option<&str>) -> Mint {
        let secret = "0123456789abcdef0123456789abcdef".into();
        Mint { secret, kid: kid.map(str::to_owned), role: "operator".into(), subject: "ada".into() }
    }

    #[test]
    fn a_token_says_who_asks_and_is_over_after_minutes() {
        let token = mint(Some("next")).token(unix_seconds()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(b"0123456789abcdef0123456789abcdef");
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        rules.set_audience(&[AUDIENCE]);
        let read = jsonwebtoken::decode::<serde_json::Value>(token.expose_secret(), &key, &rules).unwrap();
        assert_eq!((&read.claims["sub"], &read.claims["role"]), (&"ada".into(), &"operator".into()));
        let lifetime = read.claims["exp"].as_u64().unwrap() - read.claims["iat"].as_u64().unwrap();
        assert_eq!(lifetime, LIFETIME_SECONDS);
        assert_eq!(read.header.kid.as_deref(), Some("next"));
    }

    #[test]
    fn nothing_secret_is_shown_by_accident() {
        let shown = format!("{:?} {}", mint(None), Credential::Minted(mint(None)).describe());
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
        let key = Credential::Key("rp9_00ff_c0ffee".to_owned().into());
        assert_eq!(key.describe(), "with the key key_00ff");
        assert!(!format!("{key:?}").contains("c0ffee"));
    }
}
