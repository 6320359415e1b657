//! A tenant's database is filled from a backup, as a part of another operation: the whole set is read back first, and only then is anything touched.

use std::time::Duration;

use async_trait::async_trait;
use common::{
    error::{Kind, chain},
    id::TenantId,
    operations::{Context, ContextOf, Saga, Step, StepError},
    secrets::stored::{self, ENCRYPTION_KEY, NEXT_ENCRYPTION_KEY},
    tenant::Purpose,
};
use n8n::{
    copies::{Facts, Filling},
    databases::{Counts, Name},
};
use objects::{
    Key,
    manifest::{Content, MANIFEST, Manifest},
    seal::SealKey,
};
use wire::{backups::folder, kinds::TenantLoad};

use crate::{
    Checked, Damage, World,
    check::{Expected, check, opened},
    make::suit,
    secrets,
    store::{
        backups::{self, Written},
        tenants,
    },
};

/// As long as the operation may take.
const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

/// From an empty database to what a backup has.
pub struct LoadTenant;

/// What is in it.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Loaded {
    pub counts: Counts,
    /// The workflows that were active when the backup was made.
    #[serde(default)]
    pub active: Vec<String>,
}

type In<'a> = Context<'a, World, TenantLoad>;

impl Saga for LoadTenant {
    type World = World;
    type State = Loaded;
    type Request = TenantLoad;

    fn steps(&self, _: &TenantLoad) -> Vec<&dyn Step<Self>> {
        vec![&Load]
    }
}

/// Begun again, it reads and fills all of it anew.
struct Load;

#[async_trait]
impl Step<LoadTenant> for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    async fn run(&self, context: &ContextOf<'_, LoadTenant>, state: &mut Loaded) -> Result<(), StepError> {
        let set = Set::find(context).await?;
        let checked = set.check(context).await?;
        if checked.contents.is_some() {
            let (tools, server) = context.observe().copies.versions().await?;
            suit(&tools, &server)?;
        }
        // It opens what is there with the same keys: nothing is wrapped under a wrong one.
        secrets::encryption_key(context.database(), &context.observe().keys, context.tenant()).await?;
        let filling = filling(context).await?;
        let loaded = set.load(context, &checked, filling).await?;
        if let Err(damage) = is_whole(&checked, &loaded, filling) {
            return Err(gone_by_no_more(context, damage).await?);
        }
        let mut transaction = context.begin().await?;
        let (keys, key) = (&context.observe().keys, &checked.encryption_key);
        let name = if filling.beside { NEXT_ENCRYPTION_KEY } else { ENCRYPTION_KEY };
        stored::put(&mut *transaction, keys, context.tenant(), (name, key)).await?;
        transaction.commit().await?;
        (state.counts, state.active) = (loaded.counts, checked.manifest.active_workflows);
        Ok(())
    }
}

/// A sandbox begins nothing by itself.
async fn filling(context: &In<'_>) -> Result<Filling, StepError> {
    let tenant = tenants::get(context.database(), context.tenant()).await?;
    let customer = Purpose::Customer.as_str();
    let TenantLoad { executions, beside, .. } = *context.request();
    Ok(Filling { executions, asleep: tenant.purpose() != customer, beside })
}

/// The set that is loaded.
struct Set {
    tenant: TenantId,
    folder: Key,
    key: SealKey,
    manifest_sha256: String,
}

impl Set {
    async fn find(context: &In<'_>) -> Result<Self, StepError> {
        let (record, backup) = (context.database(), context.request().backup);
        let none =
            || StepError::failed(Kind::NotFound, "There is no such backup that could be restored from.");
        let written = backups::find_restorable(record, backup).await?.ok_or_else(none)?;
        let Written { tenant_id: tenant, manifest_sha256 } = written;
        let key = secrets::backup_key(record, &context.observe().keys, tenant).await?;
        let text = folder(tenant, backup);
        let folder =
            text.parse().map_err(|error| StepError::failed(Kind::Internal, format!("{text}: {error}")))?;
        Ok(Self { tenant, folder, key, manifest_sha256 })
    }

    async fn check(&self, context: &In<'_>) -> Result<Checked, StepError> {
        let Self { tenant, folder, key, manifest_sha256 } = self;
        let backup = context.request().backup;
        let expected = Expected { tenant: *tenant, backup, folder, manifest_sha256, key };
        let world = context.observe();
        let read = async || check(world.objects.as_ref(), world.copies.as_ref(), &expected).await;
        match read().await {
            Err(damage) if damage.lasts() => {}
            read => return Ok(read?),
        }
        // What was not right on its way is right the second time.
        match read().await {
            Err(damage) if damage.lasts() => Err(gone_by_no_more(context, damage).await?),
            read => Ok(read?),
        }
    }

    async fn load(&self, context: &In<'_>, checked: &Checked, filling: Filling) -> Result<Facts, StepError> {
        let (world, name) = (context.fenced().await?, Name::of(context.tenant()));
        let opened = async |what| opened(world.objects.as_ref(), &self.folder, what, &self.key).await;
        if let Some(contents) = &checked.contents {
            let dump = opened(Content::Database).await?;
            return Ok(world.copies.load(&name, dump, contents, filling).await?);
        }
        if !is_part(&checked.manifest) {
            let detail = "The backup was made without the database.";
            return Err(StepError::failed(Kind::Conflict, detail));
        }
        // Later releases change rows, too, when they start on what is there.
        let release = checked.manifest.n8n_version.parse();
        let release = release.map_err(|_| Damage::of(MANIFEST, "names no release of n8n"))?;
        let script = opened(Content::Member).await?;
        Ok(world.copies.load_member(&name, script, release, filling).await?)
    }
}

/// Whether it is of one of those who shared an n8n.
fn is_part(manifest: &Manifest) -> bool {
    manifest.objects.iter().any(|object| object.what == Content::Member)
}

/// Nobody restores from it again, it keeps no older one from being kept, and the tenant's operator is told. Its objects stay for as long as they would
/// have: a part of them may be good for something.
async fn gone_by_no_more(context: &In<'_>, damage: Damage) -> Result<StepError, StepError> {
    let mut transaction = context.begin().await?;
    backups::damaged(&mut *transaction, context.request().backup, &chain(&damage)).await?;
    transaction.commit().await?;
    Ok(damage.into())
}

/// Tables that differ on purpose: where executions stay behind, nothing is to begin by itself, or somebody shared an n8n.
fn may_differ(table: &str, filling: Filling, is_part: bool) -> bool {
    let asleep = ["webhook_entity", "workflow_publication_outbox", "scheduled_job", "scheduled_task"];
    let without = n8n::copies::Including { executions: filling.executions, files: filling.executions };
    is_part && n8n::copies::MADE_ANEW.contains(&table)
        || filling.asleep && asleep.contains(&table)
        || without.left_out().any(|left_out| left_out == table)
}

/// Every row of every table.
fn is_whole(checked: &Checked, loaded: &Facts, filling: Filling) -> Result<(), Damage> {
    for (table, rows) in &checked.manifest.rows {
        let found = loaded.rows.get(table).copied();
        if found != Some(*rows) && !may_differ(table, filling, is_part(&checked.manifest)) {
            let why =
                format!("has {} rows in {table}, and {rows} when it was made", found.unwrap_or_default());
            return Err(Damage::of("database", why));
        }
    }
    Ok(())
}
