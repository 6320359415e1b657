//! What a copy of the record is useless without: the master keys, which open the secrets that are in it.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use common::config::{Env, Section};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// The keys, as whoever sets the platform up has written them.
#[derive(Clone)]
pub struct KeyTexts {
    /// `id=base64`: the one that wraps.
    pub current: SecretString,
    /// `id=base64,…`: others that open.
    pub older: Option<SecretString>,
}

impl fmt::Debug for KeyTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyTexts").finish_non_exhaustive()
    }
}

/// The same on their way into a set, and out of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    master_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    master_keys_old: Option<String>,
}

impl KeyTexts {
    /// As it is sealed.
    pub fn write(&self) -> Result<SecretString, serde_json::Error> {
        let older = self.older.as_ref().map(|text| text.expose_secret().to_owned());
        let written = Written { master_key: self.current.expose_secret().to_owned(), master_keys_old: older };
        serde_json::to_string(&written).map(Into::into)
    }

    /// Reads what was sealed.
    pub fn parse(text: &SecretString) -> Result<Self, serde_json::Error> {
        let Written { master_key, master_keys_old } = serde_json::from_str(text.expose_secret())?;
        Ok(Self { current: master_key.into(), older: master_keys_old.map(Into::into) })
    }
}

/// Whether they are keys, [`common::secrets::MasterKeys`] says, which reads the same.
impl Section for KeyTexts {
    fn read(env: &mut Env) -> Option<Self> {
        let (id, key) = (env.optional::<i32>("MASTER_KEY_ID"), env.secret("MASTER_KEY"));
        let older = env.optional_secret("MASTER_KEYS_OLD");
        let (id, key, older) = (id?, key?, older?);
        let text = key.expose_secret().trim();
        let is_named = text.split_once('=').is_some_and(|(id, _)| id.trim().parse::<i32>().is_ok());
        let current = if is_named { text.to_owned() } else { format!("{}={text}", id.unwrap_or(1)) };
        Some(Self { current: current.into(), older })
    }
}

/// Those that are in use now. Clones share them, also when they are changed.
#[derive(Clone)]
pub struct KeysInUse(Arc<ArcSwap<KeyTexts>>);

impl KeysInUse {
    /// Begins with these.
    pub fn new(texts: KeyTexts) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(texts)))
    }

    /// Goes on with these.
    pub fn put(&self, texts: KeyTexts) {
        self.0.store(Arc::new(texts));
    }

    /// Those of this moment.
    pub fn get(&self) -> Arc<KeyTexts> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests {
    use common::secrets::MasterKeys;

    use super::*;

    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    #[test]
    fn what_is_sealed_is_what_the_services_were_told() {
        let old = ("MASTER_KEYS_OLD", format!("1={KEY}"));
        for (id, key) in [("2", KEY.to_owned()), ("", format!("2={KEY}"))] {
            let env = Env::of([("MASTER_KEY_ID", id.to_owned()), ("MASTER_KEY", key), old.clone()]);
            let told: MasterKeys = env.clone().load().unwrap();
            let texts: KeyTexts = env.load().unwrap();
            let again = KeyTexts::parse(&texts.write().unwrap()).unwrap();
            let older = again.older.unwrap().expose_secret().to_owned();
            let pairs =
                [("MASTER_KEY", again.current.expose_secret().to_owned()), ("MASTER_KEYS_OLD", older)];
            let read: MasterKeys = Env::of(pairs).load().unwrap();
            assert_eq!((read.current(), read.fingerprints()), (told.current(), told.fingerprints()));
            assert!(!format!("{texts:?}").contains(KEY));
        }
    }
}
