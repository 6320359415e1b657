//! How an n8n is started: an instance and a role in it become a command, an environment and secret files.
//!
//! Nothing here is secret. A secret is named by [`Secret`] and read by n8n from the file it is mounted as.

use std::collections::BTreeMap;
use std::time::Duration;

use common::{id::TenantId, tenant::Purpose};
use secrecy::SecretString;

use wire::sizing;

use crate::Version;

mod environment;
mod mail;
mod revision;
mod sandbox;
mod secret;
mod settings;
mod shared;

pub use common::public_address::Scheme;
pub use mail::{Mail, MailTls};
pub use revision::REVISION;
pub use secret::{Secret, Secrets};
pub use settings::settings;
pub(crate) use shared::EXCLUDED_NODES;

/// Variables of an environment.
type Pairs = Vec<(&'static str, String)>;

/// What makes one tenant's n8n differ from another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub tenant: TenantId,
    /// Whether it is somebody's, or many share it, or a copy.
    pub purpose: Purpose,
    pub version: Version,
    /// The address people and webhooks use, without the port.
    pub host: String,
    pub scheme: Scheme,
    /// The port of that address, as the outside sees it.
    pub port: u16,
    pub database: Database,
    pub redis: Redis,
    /// An IANA name such as `Europe/Berlin`: what schedules without a zone of their own mean.
    pub timezone: String,
    /// `None`: it sends no mail.
    pub mail: Option<Mail>,
}

/// The database of an instance, seen from its containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub host: String,
    pub port: u16,
    pub name: String,
    pub user: String,
}

/// The queue of an instance, seen from its containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Made by [`crate::queues::prefix`]: everything n8n writes begins with it.
    pub prefix: String,
}

/// What a container of an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The editor, the API, webhooks and schedules. Puts executions in the queue.
    Main,
    /// Takes executions from the queue.
    Worker {
        /// How many at once. n8n advises 5 or more.
        concurrency: u16,
    },
    /// Answers webhooks, forms and executions that wait, and puts executions in the queue: beside a main, or without one. No trigger fires in it.
    Webhook,
    /// Brings the database to this version and exits.
    Migrate,
}

impl Role {
    /// How many connections to the database this process keeps at most: a role's limit is the sum over its processes,
    /// both sides of an upgrade included.
    pub const fn connections(self, purpose: Purpose) -> u16 {
        match (self, purpose) {
            (Self::Main | Self::Webhook, Purpose::Customer | Purpose::Sandbox | Purpose::Unknown) => 4,
            // The hooks ask three short questions before each execution.
            (Self::Main | Self::Webhook, Purpose::Shared) => 8,
            (Self::Worker { concurrency }, _) => sizing::connections_of_worker(concurrency),
            (Self::Migrate, _) => 2,
        }
    }
}

/// The port that [`Role::Main`] and [`Role::Webhook`] serve on, and [`Role::Worker`] answers health checks and metrics on.
pub const PORT: u16 = 5678;

/// What n8n gets between being told to stop and being killed: it has [`GRACE`] of its own, and needs a little to exit.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(GRACE.as_secs() + 10);

/// How long n8n lets running executions finish. One that is cut off is lost, not run again.
pub const GRACE: Duration = Duration::from_secs(60);

/// A container of n8n, as far as n8n is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// What follows the image's entrypoint.
    pub command: Vec<String>,
    /// In the order of names, so that the same instance has the same hash.
    pub environment: BTreeMap<&'static str, String>,
    pub secret_files: Vec<SecretFile>,
    /// What must be writable when the root of the container is not.
    pub tmpfs: Vec<Tmpfs>,
    /// Exits with 0 if the process can do its work. `None` for a process that ends by itself.
    pub health_check: Option<Vec<String>>,
    pub stop_timeout: Duration,
}

/// A file whose content is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    pub path: String,
    pub secret: Secret,
}

/// A directory in memory, for the user n8n runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tmpfs {
    pub path: &'static str,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    pub megabytes: u32,
}

impl Instance {
    /// How this role of the instance is started.
    pub fn launch(&self, role: Role) -> Launch {
        let mut launch = environment::launch(self, role);
        if role != Role::Migrate {
            launch.environment.extend(told(self.purpose));
        }
        launch
    }
}

/// What only an n8n for this purpose is told.
fn told(purpose: Purpose) -> Pairs {
    match purpose {
        Purpose::Customer | Purpose::Unknown => Pairs::new(),
        Purpose::Shared => shared::told(),
        Purpose::Sandbox => sandbox::told(),
    }
}

/// The content of one secret file. No line break at the end: n8n trims it, and warns each time.
pub fn content(secrets: &Secrets, file: &SecretFile) -> SecretString {
    secrets.get(file.secret).clone()
}
