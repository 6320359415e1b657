//! All of it is stored, of one moment, and last of all what says what is there.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use common::{
    error::Kind,
    operations::{ContextOf, Step, StepError},
};
use n8n::{
    copies::{Facts, Including, Keys, Moment, Omitted, Sharing},
    databases::Name,
};
use objects::manifest::{Content, FORMAT, MANIFEST, Manifest, Object, Omission, Postgres};
use secrecy::SecretString;
use wire::backups::Includes;

use super::{
    In, Made, MakeBackup, folder,
    set::{Set, of},
    tools::suit,
};
use crate::{
    secrets,
    store::{
        backups,
        tenants::{self, Home, Part},
    },
};

/// As long as the operation may take.
pub const LIMIT: Duration = Duration::from_secs(12 * 60 * 60);

/// Begun again, it writes all of it anew, of another moment: what is there is replaced object by object, and the record goes by the last manifest.
pub struct Write;

#[async_trait]
impl Step<MakeBackup> for Write {
    fn name(&self) -> &'static str {
        "write"
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    async fn run(&self, context: &ContextOf<'_, MakeBackup>, state: &mut Made) -> Result<(), StepError> {
        let (world, tenant) = (context.fenced().await?, context.tenant());
        let key = secrets::backup_key(context.database(), &world.keys, tenant).await?;
        let Held { moment, what, encryption_key, tools } = hold(context).await?;
        let mut set = Set::new(context, folder(context)?, key.recipient());
        set.text(Content::TenantKey, &key.text(), &world.recovery).await?;
        set.own_text(Content::EncryptionKey, &encryption_key).await?;
        copy(context.request().includes, (what, moment.as_ref()), &mut set).await?;
        let facts = moment.facts().clone();
        drop(moment);
        let objects = std::mem::take(&mut set.objects);
        let manifest = manifest(context, facts, (objects, key.recipient().to_string(), tools)).await?;
        let text = manifest.write().map_err(|error| StepError::failed(Kind::Internal, error.to_string()))?;
        let stored = set.put(MANIFEST, of(text)).await?;
        (state.taken_at, state.bytes) = (Some(manifest.taken_at), manifest.bytes());
        state.backup = Some(context.request().backup);
        let mut transaction = context.begin().await?;
        backups::written(&mut *transaction, context.request().backup, (&manifest, &stored.sha256)).await?;
        Ok(transaction.commit().await?)
    }
}

/// What is copied of, and what goes with it.
struct Held {
    moment: Box<dyn Moment>,
    /// How the database, or a part of one, is written.
    what: Content,
    /// What the copy's credentials open with.
    encryption_key: SecretString,
    /// What writes it, as its program or its server numbers it.
    tools: String,
}

/// One who shares an n8n gets a key that is this set's alone: that n8n's own opens everybody's.
async fn hold(context: &In<'_>) -> Result<Held, StepError> {
    let (world, tenant, record) = (context.observe(), context.tenant(), context.database());
    match tenants::get(record, tenant).await?.home(tenant)? {
        Home::Own(name) => {
            let encryption_key = secrets::encryption_key(record, &world.keys, tenant).await?;
            let (tools, server) = world.copies.versions().await?;
            suit(&tools, &server)?;
            let moment = world.copies.begin(&name).await?;
            Ok(Held { moment, what: Content::Database, encryption_key, tools })
        }
        Home::Part(Part { instance, place }) => {
            let shared = secrets::encryption_key(record, &world.keys, instance).await?;
            let own = n8n::account::generate_key()
                .map_err(|error| StepError::failed(Kind::Internal, error.to_string()))?;
            let sharing = Sharing { place, keys: Keys { from: shared, to: own.clone() } };
            let moment = world.copies.begin_member(&Name::of(instance), sharing).await?;
            let tools = moment.facts().server.clone();
            Ok(Held { moment, what: Content::Member, encryption_key: own, tools })
        }
    }
}

async fn copy(
    includes: Includes,
    (what, moment): (Content, &dyn Moment),
    set: &mut Set<'_>,
) -> Result<(), StepError> {
    if includes.database {
        set.stream(what, moment.dump(including(includes)).await?).await?;
    }
    if includes.workflows {
        set.stream(Content::Workflows, moment.workflows().await?).await?;
    }
    if includes.credentials {
        set.stream(Content::Credentials, moment.credentials().await?).await?;
    }
    Ok(())
}

fn including(includes: Includes) -> Including {
    Including { executions: includes.executions, files: includes.files }
}

async fn manifest(
    context: &In<'_>,
    facts: Facts,
    (objects, tenant_recipient, dump): (Vec<Object>, String, String),
) -> Result<Manifest, StepError> {
    let (request, tenant) = (context.request(), context.tenant());
    let row = tenants::get(context.database(), tenant).await?;
    let left_out: Vec<_> = including(request.includes).left_out().collect();
    let mut rows = facts.rows;
    rows.retain(|table, _| request.includes.database && !left_out.contains(&table.as_str()));
    let counts = facts.counts;
    let counts = [
        ("workflows", counts.workflows),
        ("active_workflows", counts.active_workflows),
        ("credentials", counts.credentials),
        ("executions", counts.executions),
    ];
    Ok(Manifest {
        format: FORMAT,
        backup: request.backup.to_string(),
        tenant: tenant.to_string(),
        backup_type: request.backup_type.to_string(),
        taken_at: facts.at,
        n8n_version: row.n8n_version,
        postgres: Postgres { server: facts.server, dump, collation: facts.collation },
        recovery_recipient: context.observe().recovery.to_string(),
        tenant_recipient,
        objects,
        rows,
        counts: BTreeMap::from(counts.map(|(what, count)| (what.to_owned(), count))),
        active_workflows: facts.active,
        not_included: omissions(request.includes, facts.not_copied),
    })
}

/// What whoever opens it will look for in vain, and why.
fn omissions(includes: Includes, not_copied: Vec<Omitted>) -> Vec<Omission> {
    let asked = "it was asked for without";
    let mut omissions = vec![
        (
            "queue",
            "what waits in Redis is not copied: executions that had not begun are in the database, and end there as crashed",
        ),
        ("rp9", "what the platform has counted stays in its record"),
    ];
    let parts = [
        ("database", includes.database),
        ("workflows", includes.workflows),
        ("credentials", includes.credentials),
        ("files", includes.files),
        ("executions", includes.executions),
    ];
    omissions.extend(parts.into_iter().filter(|(_, included)| !included).map(|(what, _)| (what, asked)));
    let omissions =
        omissions.into_iter().map(|(what, why)| Omission { what: what.to_owned(), why: why.to_owned() });
    omissions.chain(not_copied.into_iter().map(|Omitted { what, why }| Omission { what, why })).collect()
}
