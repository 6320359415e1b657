//! Tenants' secrets at rest: wrapped by a master key that can be rotated, bound to the tenant and the purpose.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

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
        match self {
            // Usually of a service that is about to hear of the key that others use already.
            Self::UnknownKey => Kind::Unavailable,
            Self::Refused => Kind::Internal,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownKey => Some(
                "Bring the master key back that it was wrapped with: `MASTER_KEYS_OLD`, docs/secrets.md.",
            ),
            Self::Refused => None,
        }
    }
}

/// The master keys: one that wraps, and others that open, older ones or the next. Clones share them, also when they are replaced.
#[derive(Clone)]
pub struct MasterKeys(Arc<ArcSwap<Ring>>);

struct Ring {
    current: i32,
    keys: BTreeMap<i32, MasterKey>,
}

struct MasterKey {
    sealing: RandomizedNonceKey,
    fingerprint: [u8; KEY_BYTES],
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKeys").field("current", &self.current()).finish_non_exhaustive()
    }
}

impl Section for MasterKeys {
    fn read(env: &mut Env) -> Option<Self> {
        let (id, key) = (env.optional("MASTER_KEY_ID"), env.secret("MASTER_KEY"));
        let older = env.optional_secret("MASTER_KEYS_OLD");
        let (id, key, older): (Option<i32>, _, _) = (id?, key?, older?);
        let key = key.expose_secret();
        let (current, key) = match (id, named_key(key)) {
            // So both change at once.
            (None, Some(named)) => named,
            (_, None) => match parse_key(key) {
                Some(key) => (id.unwrap_or(1), key),
                None => return env.problem("MASTER_KEY must be 32 bytes in base64, or `id=base64`".into()),
            },
            (Some(_), Some(_)) => {
                return env.problem("MASTER_KEY_ID is set, and MASTER_KEY names its key itself".into());
            }
        };
        let mut keys = BTreeMap::from([(current, key)]);
        for pair in older.iter().flat_map(|text| text.expose_secret().split(',')) {
            match named_key(pair.trim()) {
                Some((id, key)) if !keys.contains_key(&id) => keys.insert(id, key),
                _ => {
                    return env
                        .problem("MASTER_KEYS_OLD must read `id=base64,id=base64`, each id once".into());
                }
            };
        }
        Some(Self(Arc::new(ArcSwap::from_pointee(Ring { current, keys }))))
    }
}

/// `id=base64`.
fn named_key(text: &str) -> Option<(i32, MasterKey)> {
    let (id, key) = text.split_once('=')?;
    Some((id.trim().parse().ok()?, parse_key(key)?))
}

fn parse_key(text: &str) -> Option<MasterKey> {
    let bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() == KEY_BYTES)?;
    let fingerprint = Sha256::new().chain_update("rp9/master-key/v1/").chain_update(&bytes).finalize().into();
    Some(MasterKey { sealing: RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()?, fingerprint })
}

impl MasterKeys {
    /// The id of the one that wraps.
    pub fn current(&self) -> i32 {
        self.0.load().current
    }

    /// What tells each key from another under its id, by id.
    pub fn fingerprints(&self) -> Vec<(i32, [u8; KEY_BYTES])> {
        self.0.load().keys.iter().map(|(id, key)| (*id, key.fingerprint)).collect()
    }

    /// Puts these in the place of those that all clones share.
    pub fn replace(&self, others: &Self) {
        self.0.store(others.0.load_full());
    }

    /// Wraps a tenant's secret for one purpose.
    pub fn wrap(&self, tenant: TenantId, name: &str, secret: &SecretString) -> Result<Wrapped, SecretError> {
        let ring = self.0.load();
        let key = ring.keys.get(&ring.current).ok_or(SecretError::UnknownKey)?;
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        let nonce = key
            .sealing
            .seal_in_place_append_tag(associated(tenant, name), &mut sealed)
            .map_err(|_| SecretError::Refused)?;
        let ciphertext = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(Wrapped { key_id: ring.current, ciphertext })
    }

    /// Opens a secret of this tenant, made for this purpose.
    pub fn open(&self, tenant: TenantId, name: &str, wrapped: &Wrapped) -> Result<SecretString, SecretError> {
        let ring = self.0.load();
        let key = ring.keys.get(&wrapped.key_id).ok_or(SecretError::UnknownKey)?;
        let (nonce, sealed) =
            wrapped.ciphertext.split_first_chunk::<NONCE_LEN>().ok_or(SecretError::Refused)?;
        let mut sealed = sealed.to_vec();
        let opened = key
            .sealing
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

    #[test]
    fn a_key_may_bring_its_id_along() {
        let key = STANDARD.encode([8; KEY_BYTES]);
        let read = |pairs: &[(&str, String)]| Env::of(pairs.iter().cloned()).load::<MasterKeys>();
        let named = read(&[("MASTER_KEY", format!("2={key}"))]).unwrap();
        assert_eq!((named.current(), named.fingerprints()), (2, keys(2, 8, "").fingerprints()));
        for wrong in ["MASTER_KEY_ID", "MASTER_KEYS_OLD"] {
            let other = if wrong == "MASTER_KEY_ID" { "2".to_owned() } else { format!("2={key}") };
            let error = read(&[("MASTER_KEY", format!("2={key}")), (wrong, other)]).unwrap_err();
            assert!(error.to_string().contains(wrong) && !error.to_string().contains(&key), "{error}");
        }
    }

    #[test]
    fn what_replaces_keys_is_every_clones() {
        let (tenant, in_use) = (TenantId::generate(), keys(1, 7, ""));
        let clone = in_use.clone();
        in_use.replace(&keys(2, 8, ""));
        assert_eq!(clone.wrap(tenant, "api_key", &"x".into()).unwrap().key_id, 2);
    }
}
