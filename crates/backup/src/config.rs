//! What this service is told.

use common::{
    cluster::ClusterId,
    config::{Env, Section},
    secrets::MasterKeys,
};
use objects::{StoreSettings, seal::Recipient};
use secrecy::SecretString;

use crate::record::KeyTexts;

/// Everything it reads.
pub struct Config {
    /// Whose tenants' backups it makes.
    pub cluster: ClusterId,
    /// Where they are kept.
    pub store: StoreSettings,
    /// What opens them when nothing else is left: of the operator's recovery key the half that seals.
    pub recovery: Recipient,
    pub database: TenantDatabase,
    pub master_keys: MasterKeys,
    /// The same as text, for the record's own copies.
    pub key_texts: KeyTexts,
    /// Where the record's WAL comes from, if it goes to the store.
    pub replication: Option<Replication>,
    /// Base backups of the record's server that are kept.
    pub bases_kept: usize,
    /// Backups made and loaded at once.
    pub at_once: usize,
}

/// Where the tenants' databases are, and who we are there.
pub struct TenantDatabase {
    pub admin_url: SecretString,
}

impl Section for TenantDatabase {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self { admin_url: env.secret("TENANT_DATABASE_ADMIN_URL")? })
    }
}

/// The record's server, as a role that may replicate it.
pub struct Replication {
    pub url: SecretString,
}

/// Absent where WAL goes nowhere.
pub struct MayReplicate(pub Option<Replication>);

impl Section for MayReplicate {
    fn read(env: &mut Env) -> Option<Self> {
        Some(Self(env.optional_secret("RECORD_REPLICATION_URL")?.map(|url| Replication { url })))
    }
}

impl Section for Config {
    fn read(env: &mut Env) -> Option<Self> {
        let (cluster, store) = (env.required("CLUSTER_ID"), StoreSettings::read(env));
        let (recovery, database) = (env.required("BACKUP_RECOVERY_RECIPIENT"), TenantDatabase::read(env));
        let (master_keys, key_texts) = (MasterKeys::read(env), KeyTexts::read(env));
        let replication = MayReplicate::read(env).map(|MayReplicate(replication)| replication);
        let bases_kept = match env.or("RECORD_BASES_KEPT", 7) {
            Some(0) => env.problem("RECORD_BASES_KEPT must be 1 or more".into()),
            kept => kept,
        };
        let at_once = match env.or("BACKUPS_AT_ONCE", 4) {
            Some(0) => env.problem("BACKUPS_AT_ONCE must be 1 or more".into()),
            at_once => at_once,
        };
        Some(Self {
            cluster: cluster?,
            store: store?,
            recovery: recovery?,
            database: database?,
            master_keys: master_keys?,
            key_texts: key_texts?,
            replication: replication?,
            bases_kept: bases_kept?,
            at_once: at_once?,
        })
    }
}
