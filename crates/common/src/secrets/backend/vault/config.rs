//! What is said of a Vault, under the names that its own tools use where they have one.

use reqwest::Certificate;
use url::Url;

use super::super::{address, http};
use crate::config::{Env, Given, Section};

/// Where it is, and who we are to it.
#[derive(Debug)]
pub struct VaultConfig {
    pub address: Url,
    pub namespace: Option<String>,
    pub authorities: Option<Vec<Certificate>>,
    pub role_id: String,
    pub secret_id: Given,
    /// What is given for a secret id is a token that it is unwrapped with, once.
    pub wrapped: bool,
    pub auth_mount: String,
    pub kv_mount: String,
    /// Where in the engine. `None`: by the service's name.
    pub path: Option<String>,
}

impl Section for VaultConfig {
    fn read(env: &mut Env) -> Option<Self> {
        let (address, namespace) = (address(env, "VAULT_ADDR", None), env.optional("VAULT_NAMESPACE"));
        let authorities = http::authorities(env, "VAULT_CACERT");
        let (role_id, secret_id) = (env.required("VAULT_ROLE_ID"), env.given("VAULT_SECRET_ID"));
        let wrapped = env.switch("VAULT_SECRET_ID_WRAPPED", false);
        let auth_mount = env.or("VAULT_APPROLE_MOUNT", "approle".to_owned());
        let (kv_mount, path) = (env.or("VAULT_KV_MOUNT", "secret".to_owned()), env.optional("VAULT_KV_PATH"));
        let Some(secret_id) = secret_id? else {
            return env.problem("neither VAULT_SECRET_ID nor VAULT_SECRET_ID_FILE is set".into());
        };
        Some(Self {
            address: address?,
            namespace: namespace?,
            authorities: authorities?,
            role_id: role_id?,
            secret_id,
            wrapped: wrapped?,
            auth_mount: auth_mount?,
            kv_mount: kv_mount?,
            path: path?,
        })
    }
}
