//! Secrets of an instance, in the shapes that n8n accepts: passwords, their hashes, API keys.

use aws_lc_rs::rand;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// How much work it is to hash a password, and to guess one.
#[derive(Debug, Clone, Copy)]
pub struct HashCost(u32);

impl HashCost {
    /// What n8n itself hashes with: about 60 ms of a core, in its login too.
    pub const N8N: Self = Self(10);
    /// The least that bcrypt knows, a 64th of that: for passwords that protect nothing.
    pub const LEAST: Self = Self(4);
}

/// 32 of these letters are 190 bits. No letters that look alike: owners type this one.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const PASSWORD_LENGTH: usize = 32;

/// Why a secret could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("random numbers are not to be had")]
    Randomness,
    #[error("the password cannot be hashed")]
    Hash(#[source] bcrypt::BcryptError),
    #[error("the API key cannot be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

impl common::error::Classify for AccountError {
    fn kind(&self) -> common::error::Kind {
        match self {
            Self::Randomness | Self::Hash(_) | Self::Sign(_) => common::error::Kind::Internal,
        }
    }
}

/// How n8n names its owner inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct OwnerId(pub uuid::Uuid);

/// How n8n names any user inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UserId(pub uuid::Uuid);

impl From<OwnerId> for UserId {
    fn from(owner: OwnerId) -> Self {
        Self(owner.0)
    }
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], AccountError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| AccountError::Randomness)?;
    Ok(bytes)
}

/// A password that n8n lets an owner have: 8 to 64 characters, with a digit and a capital.
pub fn generate_password() -> Result<SecretString, AccountError> {
    loop {
        let password = random_letters(PASSWORD_LENGTH)?;
        // One draw in 200 lacks a digit; drawing again keeps every accepted password equally likely.
        if is_acceptable(&password) {
            return Ok(password.into());
        }
    }
}

/// Letters and digits, each as likely as any other.
pub(crate) fn random_letters(length: usize) -> Result<String, AccountError> {
    let mut drawn = String::with_capacity(length);
    // Bytes past the last whole multiple of the alphabet would favour its first letters.
    let fair = 256 / LETTERS.len() * LETTERS.len();
    while drawn.len() < length {
        let bytes = random::<32>()?.into_iter().map(usize::from).filter(|byte| *byte < fair);
        let letters = bytes.filter_map(|byte| LETTERS.get(byte % LETTERS.len()));
        drawn.extend(letters.map(|letter| char::from(*letter)).take(length - drawn.len()));
    }
    Ok(drawn)
}

/// Whether n8n takes this as an owner's password.
pub fn is_acceptable(password: &str) -> bool {
    (8..=64).contains(&password.chars().count())
        && password.bytes().any(|b| b.is_ascii_digit())
        && password.bytes().any(|b| b.is_ascii_uppercase())
}

/// A key for encrypting, signing or logging in, that no person ever types: 256 bits in hexadecimal.
pub fn generate_key() -> Result<SecretString, AccountError> {
    Ok(hex::encode(random::<32>()?).into())
}

/// What an n8n signs with that was given no secret for it (`N8N_USER_MANAGEMENT_JWT_SECRET`): it makes one of every other character of the key that
/// encrypts.
pub fn jwt_secret_of(encryption_key: &SecretString) -> SecretString {
    let half: String = encryption_key.expose_secret().chars().step_by(2).collect();
    hex::encode(Sha256::digest(half)).into()
}

/// The hash n8n stores for a password. Takes about 60 ms of a core: not for the thread of a runtime.
pub fn hash_password(password: &SecretString) -> Result<String, AccountError> {
    hash_password_at(HashCost::N8N, password)
}

/// The same at this cost.
pub fn hash_password_at(cost: HashCost, password: &SecretString) -> Result<String, AccountError> {
    bcrypt::hash(password.expose_secret(), cost.0).map_err(AccountError::Hash)
}

/// Whether a hash is that of a password. Takes as long as making one. What is no hash is nobody's.
pub fn is_hash_of(password: &SecretString, hash: &str) -> bool {
    bcrypt::verify(password.expose_secret(), hash).unwrap_or_default()
}

/// Makes API keys that one instance accepts.
#[derive(Debug)]
pub struct ApiKeySigner<'a> {
    /// The instance's `N8N_USER_MANAGEMENT_JWT_SECRET`. Changing it makes n8n answer 500 to every older key.
    pub secret: &'a SecretString,
}

impl ApiKeySigner<'_> {
    /// A key of this user. `seed` tells keys apart: the same seed and moment give the same key.
    pub fn sign(
        &self,
        user: impl Into<UserId>,
        seed: uuid::Uuid,
        issued_at: OffsetDateTime,
    ) -> Result<SecretString, AccountError> {
        let claims = serde_json::json!({
            "sub": user.into().0, "iss": "n8n", "aud": "public-api", "jti": seed, "iat": issued_at.unix_timestamp(),
        });
        let key = EncodingKey::from_secret(self.secret.expose_secret().as_bytes());
        Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?.into())
    }
}

/// Whether a key that an n8n takes is signed with this secret. `None` for one of before keys were signed.
pub(crate) fn is_signed_with(key: &SecretString, secret: &SecretString) -> Option<bool> {
    let header = decode_header(key.expose_secret()).ok()?;
    let mut expected = Validation::new(header.alg);
    expected.required_spec_claims.clear();
    (expected.validate_exp, expected.validate_aud) = (false, false);
    let secret = DecodingKey::from_secret(secret.expose_secret().as_bytes());
    Some(decode::<serde_json::Value>(key.expose_secret(), &secret, &expected).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_is_one_n8n_takes() {
        for _ in 0..500 {
            let password = generate_password().unwrap();
            assert!(is_acceptable(password.expose_secret()));
            assert_eq!(password.expose_secret().len(), PASSWORD_LENGTH);
        }
        assert_ne!(
            generate_password().unwrap().expose_secret(),
            generate_password().unwrap().expose_secret()
        );
    }

    #[test]
    fn an_n8n_without_a_secret_of_its_own_signs_with_half_of_its_key() {
        let secret = jwt_secret_of(&"a1b2c3".to_owned().into());
        assert_eq!(secret.expose_secret(), hex::encode(Sha256::digest("abc")));
    }

    #[test]
    fn what_n8n_refuses_is_not_acceptable() {
        for password in ["Short1", "nocapital1", "NoDigitHere", &format!("A1{}", "x".repeat(63))] {
            assert!(!is_acceptable(password), "{password}");
        }
        assert!(is_acceptable("Abcdefg1"));
    }

    #[test]
    fn a_hash_verifies_its_password_only() {
        let password = SecretString::from("Correct-horse-1");
        let hash = hash_password(&password).unwrap();
        assert!(hash.starts_with("$2b$10$"));
        assert!(is_hash_of(&password, &hash));
        assert!(!is_hash_of(&"Correct-horse-2".to_owned().into(), &hash));
        assert!(!is_hash_of(&password, "no hash"));
    }

    #[test]
    fn an_api_key_says_whose_it_is_and_holds_for_its_secret_alone() {
        let signer = ApiKeySigner { secret: &"secret".to_owned().into() };
        let owner = OwnerId(uuid::Uuid::nil());
        let key = signer.sign(owner, uuid::Uuid::nil(), OffsetDateTime::UNIX_EPOCH).unwrap();
        let mut expected_by_n8n = Validation::new(Algorithm::HS256);
        expected_by_n8n.set_audience(&["public-api"]);
        expected_by_n8n.set_issuer(&["n8n"]);
        expected_by_n8n.required_spec_claims.clear();
        expected_by_n8n.validate_exp = false;
        let read = |secret: &[u8]| {
            let key_of = DecodingKey::from_secret(secret);
            decode::<serde_json::Value>(key.expose_secret(), &key_of, &expected_by_n8n)
        };
        let nil = "00000000-0000-0000-0000-000000000000";
        let expected =
            serde_json::json!({"aud": "public-api", "iat": 0, "iss": "n8n", "jti": nil, "sub": nil});
        assert_eq!(read(b"secret").unwrap().claims, expected);
        assert!(read(b"another").is_err());
        let signed = |key: &SecretString, secret: &str| is_signed_with(key, &secret.to_owned().into());
        assert_eq!((signed(&key, "secret"), signed(&key, "another")), (Some(true), Some(false)));
        assert_eq!(signed(&"n8n_api_0123".to_owned().into(), "secret"), None);
    }
}
