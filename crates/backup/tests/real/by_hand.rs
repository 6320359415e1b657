//! What `docs/restore-by-hand.md` says, done as it is written.

use std::process::Command;

use common::id::{BackupId, TenantId};
use objects::{Key, Objects as _, S3, seal::SealKey};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncReadExt as _;
use url::Url;
use wire::backups::folder;

use crate::tenant::{psql, variable};

const DOCUMENT: &str = include_str!("../../../../docs/restore-by-hand.md");

/// What loads a whole database, among its commands.
const LOADS: usize = 3;

/// Its commands, in their order: of a part of a shared n8n it names one that is another.
fn commands(of_member: bool) -> Vec<String> {
    let (whole, part) = DOCUMENT.split_once("\n## ").unwrap();
    let mut commands = blocks(whole);
    if of_member {
        let [loads] = &blocks(part)[..] else { panic!("the part has one command") };
        commands[LOADS].clone_from(loads);
    }
    commands
}

fn blocks(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().lines().map(str::trim).collect::<Vec<_>>().join("\n"))
        .collect()
}

/// A whole database's, into an empty one.
pub async fn opens(store: &S3, recovery: &SealKey, (tenant, backup): (TenantId, BackupId)) {
    let database = format!("by_hand_{}", backup.digits());
    psql("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0"));
    let told = follow(store, recovery, (tenant, backup), (&commands(false), &database)).await;
    assert!(told.contains("n8n's own key"), "{told}");
    assert_eq!(psql(&database, "SELECT count(*) FROM workflow_entity"), "20");
    assert_eq!(psql(&database, "SELECT count(*) FROM execution_entity"), "1000");
    psql("postgres", &format!("DROP DATABASE {database}"));
}

/// A member's, into this database, which has n8n's tables. Returns the key that it opens with.
pub async fn opens_part(
    store: &S3,
    recovery: &SealKey,
    (tenant, backup): (TenantId, BackupId),
    database: &str,
) -> SecretString {
    let told = follow(store, recovery, (tenant, backup), (&commands(true), database)).await;
    told.lines().rev().find(|line| line.len() > 20).unwrap().into()
}

/// What it tells.
async fn follow(
    store: &S3,
    recovery: &SealKey,
    (tenant, backup): (TenantId, BackupId),
    (commands, database): (&[String], &str),
) -> String {
    let (here, set): (_, Key) = (tempfile::tempdir().unwrap(), folder(tenant, backup).parse().unwrap());
    let copied = here.path().join(set.name());
    std::fs::create_dir(&copied).unwrap();
    for object in store.list(&set).await.unwrap() {
        let mut bytes = Vec::new();
        store.get(&object.key).await.unwrap().read_to_end(&mut bytes).await.unwrap();
        std::fs::write(copied.join(object.key.name()), bytes).unwrap();
    }
    std::fs::write(here.path().join("recovery.key"), recovery.text().expose_secret()).unwrap();
    let [settings, rest @ ..] = commands else { panic!("the document has no commands") };
    let settings = settings.replace("20261128T020000Z-461a5d38", set.name()).replace("restored", database);
    let script = format!("set -euo pipefail\n{settings}\n{}", rest.join("\n"));
    let admin: Url = variable("TEST_TENANT_DATABASE_ADMIN_URL").parse().unwrap();
    let path = format!("{}:{}:{}", variable("TEST_AGE"), variable("TEST_POSTGRES_BIN"), variable("PATH"));
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(here.path())
        .env("PATH", path)
        .env("PGHOST", admin.host_str().unwrap())
        .env("PGPORT", admin.port().unwrap().to_string())
        .env("PGUSER", admin.username())
        .env("PGPASSWORD", admin.password().unwrap())
        .output()
        .unwrap();
    let (told, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}\n{complained}");
    told.into_owned()
}
