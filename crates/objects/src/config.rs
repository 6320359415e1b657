//! Which store, as whoever sets the platform up enters it.

use common::config::{Env, Section};
use secrecy::SecretString;
use url::Url;

/// Who we are to it.
#[derive(Debug, Clone)]
pub struct StoreLogin {
    pub access_key_id: SecretString,
    pub secret_access_key: SecretString,
}

/// Any store that speaks S3.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `None`: Amazon's own.
    pub endpoint: Option<Url>,
    pub region: String,
    pub bucket: String,
    /// Whether the bucket is a part of the path, and not of the host's name.
    pub path_style: bool,
    pub login: StoreLogin,
}

impl Section for StoreLogin {
    fn read(env: &mut Env) -> Option<Self> {
        let (id, key) = (env.secret("S3_ACCESS_KEY_ID"), env.secret("S3_SECRET_ACCESS_KEY"));
        Some(Self { access_key_id: id?, secret_access_key: key? })
    }
}

impl Section for StoreSettings {
    fn read(env: &mut Env) -> Option<Self> {
        let endpoint = env.optional("S3_ENDPOINT");
        let region = env.or("S3_REGION", "us-east-1".to_owned());
        let bucket = env.required("S3_BUCKET");
        let path_style = env.switch("S3_PATH_STYLE", true);
        let login = StoreLogin::read(env);
        Some(Self {
            endpoint: endpoint?,
            region: region?,
            bucket: bucket?,
            path_style: path_style?,
            login: login?,
        })
    }
}
