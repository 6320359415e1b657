//! Tenants' secrets at rest: wrapped by a master key that can be rotated, bound to the tenant and the purpose.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{Env, Section},
    error::{Classify, Kind},
    id::TenantId,
};

const KEY_BYTES: usize = 32;

/// A secret as it is stored: which key wrapped it, and the nonce followed by the sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    pub key_id: i32,
    pub ciphertext: Vec<u8>,
}

/// A secret cannot be wrapped or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the master key this secret was wrapped with is not configured")]
    UnknownKey,
    #[error("the secret does not open: it was altered, or belongs to another tenant or purpose")]
    Refused,
}

impl Classify for SecretError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }
}

/// The master keys: one that wraps, and older ones that still open. Clones share them.
#[derive(Clone)]
pub struct MasterKeys {
    current: i32,
    keys: Arc<BTreeMap<i32, RandomizedNonceKey>>,
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKeys").field("current", &self.current).finish_non_exhaustive()
    }
}

impl Section for MasterKeys {
    fn read(env: &mut Env) -> Option<Self> {
        let (current, key) = (env.or("MASTER_KEY_ID", 1), env.secret("MASTER_KEY"));
        let older = env.optional_secret("MASTER_KEYS_OLD");
        let (current, key, older) = (current?, key?, older?);
        let Some(key) = parse_key(key.expose_secret()) else {
            return env.problem("MASTER_KEY must be 32 bytes in base64".into());
        };
        let mut keys = BTreeMap::from([(current, key)]);
        for pair in older.iter().flat_map(|text| text.expose_secret().split(',')) {
            let parsed = pair.split_once('=').and_then(|(id, key)| Some((id.parse().ok()?, parse_key(key)?)));
            match parsed {
                Some((id, key)) if id != current => keys.insert(id, key),
                _ => {
                    return env
                        .problem("MASTER_KEYS_OLD must read `id=base64,id=base64`, each id once".into());
                }
            };
        }
        Some(Self { current, keys: Arc::new(keys) })
    }
}

fn parse_key(text: &str) -> Option<RandomizedNonceKey> {
    let bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == KEY_BYTES)?;
    RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()
}

impl MasterKeys {
    /// Wraps a tenant's secret for one purpose.
    pub fn wrap(&self, tenant: TenantId, name: &str, secret: &SecretString) -> Result<Wrapped, SecretError> {
        let key = self.keys.get(&self.current).ok_or(SecretError::UnknownKey)?;
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        let nonce = key
            .seal_in_place_append_tag(associated(tenant, name), &mut sealed)
            .map_err(|_| SecretError::Refused)?;
        let ciphertext = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(Wrapped { key_id: self.current, ciphertext })
    }

    /// Opens a secret of this tenant, made for this purpose.
    pub fn open(&self, tenant: TenantId, name: &str, wrapped: &Wrapped) -> Result<SecretString, SecretError> {
        let key = self.keys.get(&wrapped.key_id).ok_or(SecretError::UnknownKey)?;
        let (nonce, sealed) =
            wrapped.ciphertext.split_first_chunk::<NONCE_LEN>().ok_or(SecretError::Refused)?;
        let mut sealed = sealed.to_vec();
        let opened = key
            .open_in_place(Nonce::from(nonce), associated(tenant, name), &mut sealed)
            .map_err(|_| SecretError::Refused)?;
        let text = std::str::from_utf8(opened).map_err(|_| SecretError::Refused)?;
        Ok(text.to_owned().into())
    }
}

/// Binds the sealed bytes to their tenant and purpose, so that swapping two rows opens neither.
fn associated(tenant: TenantId, name: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("rp9/secret/v1/{tenant}/{name}").into_bytes())
}

/// A new secret with 256 bits of randomness, in letters that need no quoting anywhere.
pub fn random_secret() -> Result<SecretString, SecretError> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes()?).into())
}

/// 256 bits of randomness.
pub fn random_bytes() -> Result<[u8; KEY_BYTES], SecretError> {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_| SecretError::Refused)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: i32, byte: u8, older: &str) -> MasterKeys {
        let key = STANDARD.encode([byte; KEY_BYTES]);
        Env::of([("MASTER_KEY_ID", id.to_string()), ("MASTER_KEY", key), ("MASTER_KEYS_OLD", older.into())])
            .load()
            .unwrap()
    }

    #[test]
    fn a_secret_opens_for_its_tenant_and_purpose_only() {
        let (keys, tenant) = (keys(1, 7, ""), TenantId::generate());
        let wrapped = keys.wrap(tenant, "encryption_key", &"hunter2".into()).unwrap();
        assert_eq!(keys.open(tenant, "encryption_key", &wrapped).unwrap().expose_secret(), "hunter2");
        assert_eq!(
            keys.open(TenantId::generate(), "encryption_key", &wrapped).unwrap_err(),
            SecretError::Refused
        );
        assert_eq!(keys.open(tenant, "redis_password", &wrapped).unwrap_err(), SecretError::Refused);
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let (keys, tenant) = (keys(1, 7, ""), TenantId::generate());
        let wrapped = keys.wrap(tenant, "api_key", &"hunter2".into()).unwrap();
        for position in 0..wrapped.ciphertext.len() {
            let mut altered = wrapped.clone();
            altered.ciphertext[position] ^= 1;
            assert!(keys.open(tenant, "api_key", &altered).is_err(), "byte {position}");
        }
    }

    #[test]
    fn after_a_rotation_old_secrets_still_open_and_new_ones_use_the_new_key() {
        let tenant = TenantId::generate();
        let wrapped = keys(1, 7, "").wrap(tenant, "api_key", &"hunter2".into()).unwrap();
        let rotated = keys(2, 8, &format!("1={}", STANDARD.encode([7; KEY_BYTES])));
        assert!(rotated.open(tenant, "api_key", &wrapped).is_ok());
        assert_eq!(rotated.wrap(tenant, "api_key", &"x".into()).unwrap().key_id, 2);
        assert_eq!(keys(2, 8, "").open(tenant, "api_key", &wrapped).unwrap_err(), SecretError::UnknownKey);
    }
}
