//! `backup recover …`: what `deploy/recover` has done in a container. The recovery key comes over standard input, so that neither arguments nor the
//! environment hold it; what is secret goes over standard output to nobody but whoever started it.

use std::{io::Read as _, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use common::{
    clock,
    cluster::ClusterId,
    config::{Env, Section},
    error::chain,
    service,
};
use objects::{Objects, S3, StoreSettings, seal::SealKey};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    TenantDatabase,
    record::{Former, Opened, RecordError, Server, look, lost, may_be_filled, note_opened, open_set},
};
use n8n::{copies::Programs, databases::PostgresDatabases};

/// Much more than any file with a key has.
const LONGEST: u64 = 64 << 10;

#[derive(Parser)]
#[command(
    name = "backup recover",
    about = "Brings the platform's record back from a copy of it. Reads the recovery key from standard input."
)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Checks a copy, and tells the master keys that are in it, as JSON.
    Keys(Which),
    /// Checks a copy, and notes in the store that the recovery key opens it. Tells nothing that is secret.
    Test(Which),
    /// Fails where the record has something in it, or somebody works on it.
    Ready {
        /// What is in it may go.
        #[arg(long)]
        overwrite: bool,
    },
    /// Checks a copy, and fills the record from it.
    Record {
        #[command(flatten)]
        which: Which,
        /// A record that has something in it goes.
        #[arg(long)]
        overwrite: bool,
    },
    /// Tells which tenants have no database: an id in each line, and whether there is a backup to restore. Needs no recovery key.
    Lost,
}

#[derive(Args)]
struct Which {
    /// The newest that is of this moment or an earlier one, as 2026-11-28T12:00:00Z. Otherwise the newest of all.
    #[arg(long, value_parser = |text: &str| OffsetDateTime::parse(text, &Rfc3339))]
    at: Option<OffsetDateTime>,
    /// This one, by the name of its folder.
    #[arg(long, conflicts_with = "at")]
    set: Option<String>,
}

/// The store alone.
struct Store(StoreSettings);

/// Where tenants' databases are to be.
struct Databases {
    cluster: ClusterId,
    server: TenantDatabase,
}

impl Section for Databases {
    fn read(env: &mut Env) -> Option<Self> {
        let (cluster, server) = (env.required("CLUSTER_ID"), TenantDatabase::read(env));
        Some(Self { cluster: cluster?, server: server? })
    }
}

impl Section for Store {
    fn read(env: &mut Env) -> Option<Self> {
        StoreSettings::read(env).map(Self)
    }
}

/// Runs the command that follows `recover`.
pub async fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let command = Command::parse_from(std::iter::once("backup recover".to_owned()).chain(arguments));
    match command.what {
        What::Keys(which) => match keys(&which).await {
            Ok(told) => {
                println!("{told}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("the keys could not be told: {error:#}");
                ExitCode::FAILURE
            }
        },
        What::Test(which) => match test(&which).await {
            Ok(told) => {
                println!("{told}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("the recovery key was not seen to open a copy: {error:#}");
                ExitCode::FAILURE
            }
        },
        What::Ready { overwrite } => {
            let former = former(overwrite);
            service::command("backup", async move |pool, Store(_)| {
                Ok(may_be_filled(&Server::new(pool, None), former).await?)
            })
            .await
        }
        What::Record { which, overwrite } => {
            let former = former(overwrite);
            service::command("backup", async move |pool, Store(store)| {
                record(pool, store, &which, former).await
            })
            .await
        }
        What::Lost => service::command("backup", tell_lost).await,
    }
}

async fn tell_lost(pool: PgPool, at: Databases) -> anyhow::Result<()> {
    let server = PostgresDatabases::new(at.server.admin_url.expose_secret())?;
    for one in lost(&pool, &at.cluster, &server).await? {
        println!("{one}");
    }
    Ok(())
}

fn former(overwrite: bool) -> Former {
    if overwrite { Former::Overwritten } else { Former::Kept }
}

async fn keys(which: &Which) -> anyhow::Result<serde_json::Value> {
    let Store(store) = Env::of_process().load()?;
    let recovery = recovery_key()?;
    let opened = open(&S3::new(store), which, &recovery, &Programs::of_no_server(None)).await?;
    Ok(serde_json::json!({
        "set": opened.manifest.set,
        "taken_at": opened.manifest.taken_at.format(&Rfc3339)?,
        "recipient": recovery.recipient().to_string(),
        "master_key": opened.keys.current.expose_secret(),
        "master_keys_old": opened.keys.older.as_ref().map_or("", |text| text.expose_secret()),
    }))
}

async fn test(which: &Which) -> anyhow::Result<String> {
    let Store(store) = Env::of_process().load()?;
    let (store, recovery) = (S3::new(store), recovery_key()?);
    let opened = open(&store, which, &recovery, &Programs::of_no_server(None)).await?;
    let set = &opened.manifest.set;
    let noted = note_opened(&store, &recovery.recipient(), set, clock::now()).await;
    noted.context("it opens the copy, and that could not be noted in the store")?;
    Ok(format!("the recovery key opens {set}, which is of {}", opened.manifest.taken_at.format(&Rfc3339)?))
}

async fn record(pool: PgPool, store: StoreSettings, which: &Which, former: Former) -> anyhow::Result<()> {
    let (store, server) = (Arc::new(S3::new(store)), Server::new(pool, None));
    let opened = open(store.as_ref(), which, &recovery_key()?, &server.readers()).await?;
    tracing::info!(set = opened.manifest.set, "the copy is whole; the record is filled from it");
    let recovered = opened.restore(&server, store.as_ref(), former).await;
    let recovered = recovered
        .inspect_err(|error| tracing::error!(error = chain(error), "the record was not brought back"))?;
    println!("{}", serde_json::to_string(&recovered)?);
    Ok(())
}

async fn open(
    store: &S3,
    which: &Which,
    recovery: &SealKey,
    readers: &Programs,
) -> Result<Opened, RecordError> {
    let sets = look(store).await?;
    let set = match &which.set {
        Some(name) => sets.whole.iter().find(|set| set.folder.name() == name),
        None => sets.newest(which.at),
    };
    let set = set.ok_or(RecordError::Refused("the store has no such copy of the record"))?;
    Ok(open_set(store as &dyn Objects, &set.folder, recovery, readers).await?)
}

/// As `age-keygen` and `new-recovery-key` write it: lines that begin with `#` are remarks.
fn recovery_key() -> anyhow::Result<SealKey> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST).read_to_string(&mut text)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(SealKey::read(&SecretString::from(line.unwrap_or_default()))?)
}
