//! `backup recover …`: what `deploy/recover` has done in a container. The recovery key comes over standard input, so that neither arguments nor the
//! environment hold it; what is secret goes over standard output to nobody but whoever started it.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

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
    record::{
        Former, KeyTexts, Opened, RecordError, Server, look, lost, may_be_filled, note_opened, open_set,
        wal::{Checked, WayBack},
        written,
    },
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
        /// Where there is room for all of the server's files, for as long as it takes.
        #[arg(long, default_value = "/var/lib/recovery")]
        room: PathBuf,
    },
    /// Tells which tenants have no database: an id in each line, and whether there is a backup to restore. Needs no recovery key.
    Lost,
}

#[derive(Args)]
struct Which {
    /// As of this moment, as 2026-11-28T12:00:00Z, or as shortly before it as it can be had. Otherwise as late as it can be had.
    #[arg(long, value_parser = |text: &str| OffsetDateTime::parse(text, &Rfc3339))]
    at: Option<OffsetDateTime>,
    /// From this dump, or this base backup, by the name of its folder.
    #[arg(long)]
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
        What::Record { which, overwrite, room } => {
            let former = former(overwrite);
            service::command("backup", async move |pool, Store(store)| {
                record(pool, store, (&which, &room), former).await
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
    let copy = open(&S3::new(store), which, &recovery, &Programs::of_no_server(None)).await?;
    let keys = copy.keys();
    Ok(serde_json::json!({
        "set": copy.set(),
        "taken_at": written(copy.moment(which.at)),
        "from": copy.kind(),
        "recipient": recovery.recipient().to_string(),
        "master_key": keys.current.expose_secret(),
        "master_keys_old": keys.older.as_ref().map_or("", |text| text.expose_secret()),
    }))
}

async fn test(which: &Which) -> anyhow::Result<String> {
    let Store(store) = Env::of_process().load()?;
    let (store, recovery) = (S3::new(store), recovery_key()?);
    let copy = open(&store, which, &recovery, &Programs::of_no_server(None)).await?;
    let noted = note_opened(&store, &recovery.recipient(), copy.set(), clock::now()).await;
    noted.context("it opens the copy, and that could not be noted in the store")?;
    let (kind, moment) = (copy.kind(), written(copy.moment(which.at)));
    Ok(format!("the recovery key opens {}, a {kind}, which is of {moment}", copy.set()))
}

async fn record(
    pool: PgPool,
    store: StoreSettings,
    (which, room): (&Which, &Path),
    former: Former,
) -> anyhow::Result<()> {
    let (store, server) = (Arc::new(S3::new(store)), Server::new(pool, None));
    let copy = open(store.as_ref(), which, &recovery_key()?, &server.readers()).await?;
    tracing::info!(set = copy.set(), from = copy.kind(), "the copy is whole; the record is filled from it");
    let recovered = match &copy {
        Copy::Dump(opened) => opened.restore(&server, store.as_ref(), former).await,
        Copy::Wal(checked) => checked.restore(&server, store.as_ref(), (room, None), which.at, former).await,
    };
    let recovered = recovered
        .inspect_err(|error| tracing::error!(error = chain(error), "the record was not brought back"))?;
    println!("{}", serde_json::to_string(&recovered)?);
    Ok(())
}

/// What the record comes back from, every byte of which was read.
enum Copy {
    Dump(Opened),
    Wal(Checked),
}

impl Copy {
    fn kind(&self) -> &'static str {
        match self {
            Self::Dump(_) => "dump",
            Self::Wal(_) => "base backup with WAL",
        }
    }

    fn set(&self) -> &str {
        match self {
            Self::Dump(opened) => &opened.manifest.set,
            Self::Wal(checked) => &checked.base.manifest.set,
        }
    }

    /// All that happened until then can be had by it, or until the moment that is asked for.
    fn moment(&self, at: Option<OffsetDateTime>) -> OffsetDateTime {
        match self {
            Self::Dump(opened) => opened.manifest.taken_at,
            Self::Wal(checked) => at.map_or(checked.reach(), |at| at.min(checked.reach())),
        }
    }

    fn keys(&self) -> &KeyTexts {
        match self {
            Self::Dump(opened) => &opened.keys,
            Self::Wal(checked) => &checked.keys,
        }
    }
}

/// What goes furthest wins, and is whole or refused: whoever asks decides what is taken instead.
async fn open(store: &S3, which: &Which, recovery: &SealKey, readers: &Programs) -> anyhow::Result<Copy> {
    let sets = look(store).await?;
    let dump = match &which.set {
        Some(name) => sets.whole.iter().find(|set| set.folder.name() == name),
        None => sets.newest(which.at),
    };
    let instead = dump.map_or_else(String::new, |set| {
        format!("; the dump of {} can be had instead: --set {}", written(set.taken_at), set.folder.name())
    });
    let way = match (&which.set, dump) {
        (Some(_), Some(_)) => None,
        (set, _) => {
            let found = WayBack::find(store, set.as_deref(), which.at).await;
            found.with_context(|| format!("the newest base backup cannot be gone by{instead}"))?
        }
    };
    match (way, dump) {
        (Some(way), dump) if dump.is_none_or(|dump| way.reach() > dump.taken_at) => {
            if let Some(beyond) = way.chain.beyond {
                eprintln!("WAL is missing before segment {beyond:?}: what follows it cannot be had");
            }
            let checked = way.check(store, recovery).await;
            Ok(Copy::Wal(checked.with_context(|| format!("the way back by WAL is not whole{instead}"))?))
        }
        (_, Some(set)) => {
            Ok(Copy::Dump(open_set(store as &dyn Objects, &set.folder, recovery, readers).await?))
        }
        (_, None) => Err(RecordError::Refused("the store has no such copy of the record").into()),
    }
}

/// As `age-keygen` and `new-recovery-key` write it: lines that begin with `#` are remarks.
fn recovery_key() -> anyhow::Result<SealKey> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST).read_to_string(&mut text)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(SealKey::read(&SecretString::from(line.unwrap_or_default()))?)
}
