//! What paths name: the caller's own, somebody else's, and what is not there.

use common::{
    dead_letters::DeadLetter,
    id::{BackupId, DeadLetterId, KeyId, OperationId, RolloutId, TenantId},
};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::held::dead_call;
use crate::sandboxes::put_sandbox;
use crate::support::{Call, Claims, Platform, garbled, keep, kept_backup, tenant};

/// Whose it is, as far as the owner is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Own,
    Foreign,
    Absent,
}

/// One name of a thing.
pub type Named = (Whose, String);

/// A path with its hole filled.
pub fn filled(path: &str, name: &str) -> String {
    let (before, rest) = path.split_once('{').unwrap();
    let (_, after) = rest.split_once('}').unwrap();
    format!("{before}{name}{after}")
}

/// A platform that has something of everything, twice: of the owner who asks, and of somebody else.
pub struct Things {
    own: Held,
    foreign: Held,
    /// An n8n that tenants share.
    shared: TenantId,
    /// What gives tenants a later release.
    rollout: RolloutId,
}

struct Held {
    subdomain: &'static str,
    tenant: TenantId,
    operation: OperationId,
    letter: DeadLetterId,
    key: KeyId,
    backup: BackupId,
    receipt: Uuid,
}

impl Things {
    /// Makes them.
    pub async fn made(platform: &Platform, database: &PgPool) -> Self {
        gateway::runner(database, gateway::JobSettings::default()).unwrap().declare().await.unwrap();
        let (own, foreign) =
            (Held::made(platform, database, "mine").await, Held::made(platform, database, "theirs").await);
        let body = serde_json::json!({ "name": "shared-1" });
        let made = platform.send(Call::post("/shared-instances", &body).by_a("admin").signed()).await.json();
        let body = serde_json::json!({ "n8n_version": "2.41.1" });
        let rollout = platform.send(Call::post("/upgrades", &body).by_a("admin").signed()).await.json();
        let rollout = rollout["id"].as_str().unwrap().parse().unwrap();
        Self { own, foreign, shared: made["id"].as_str().unwrap().parse().unwrap(), rollout }
    }

    /// The owner whose these are.
    pub fn owner(&self) -> Claims {
        Claims::owner(&[&self.own.tenant.to_string()])
    }

    /// Every way to fill the hole in a path, or nothing when it has none. A new sort of path is given its names here.
    pub fn named_by(&self, path: &str) -> Vec<Named> {
        let (own, foreign) = (&self.own, &self.foreign);
        let absent = |names: &[&str]| -> Vec<Named> {
            names.iter().map(|name| (Whose::Absent, (*name).to_owned())).collect()
        };
        let ids = |[own, foreign, unknown]: [String; 3]| {
            [vec![(Whose::Own, own), (Whose::Foreign, foreign)], absent(&[unknown.as_str(), "nonsense"])]
        };
        let held: [Vec<Named>; 2] = match path.split('/').nth(1).unwrap() {
            _ if !path.contains('{') => return Vec::new(),
            "tenants" | "metrics" => {
                let unknown = TenantId::generate().to_string();
                let both = |held: &Held| [held.tenant.to_string(), held.subdomain.to_owned()];
                let own = both(own).map(|name| (Whose::Own, name));
                let foreign = both(foreign).map(|name| (Whose::Foreign, name));
                [[own, foreign].concat(), absent(&[unknown.as_str(), "nobody", "No-Name!"])]
            }
            "operations" => {
                ids([own.operation, foreign.operation, OperationId::generate()].map(|id| id.to_string()))
            }
            "keys" => ids([own.key, foreign.key, KeyId::generate()].map(|id| id.to_string())),
            "dead-letters" => {
                ids([own.letter, foreign.letter, DeadLetterId::generate()].map(|id| id.to_string()))
            }
            "backups" => ids([own.backup, foreign.backup, BackupId::generate()].map(|id| id.to_string())),
            "shared-instances" => {
                let unknown = TenantId::generate().to_string();
                // One that is a customer's is not one.
                let absent = absent(&[unknown.as_str(), own.subdomain, "No-Name!"]);
                [vec![(Whose::Own, self.shared.to_string()), (Whose::Own, "shared-1".into())], absent]
            }
            "held" => ids([own.receipt, foreign.receipt, Uuid::now_v7()].map(|receipt| receipt.to_string())),
            "upgrades" => {
                let unknown = RolloutId::generate().to_string();
                [vec![(Whose::Own, self.rollout.to_string())], absent(&[unknown.as_str(), "nonsense"])]
            }
            "sandboxes" => {
                let held = [(Whose::Own, own), (Whose::Foreign, foreign)];
                // A tenant's own address is none.
                let absent = absent(&["acme-restore-20260801", own.subdomain, "No-Name!"]);
                [held.map(|(whose, held)| (whose, sandbox_of(held.subdomain))).into(), absent]
            }
            "schedules" => [vec![(Whose::Own, "retention".into())], absent(&["nothing", "No-Name!"])],
            "docs" => [vec![(Whose::Own, "swagger-ui.css".into())], absent(&["nothing"])],
            other => panic!("what does /{other} name?"),
        };
        held.concat()
    }

    /// An address of something of the owner's at this path.
    pub fn own_in(&self, path: &str) -> String {
        let named = self.named_by(path);
        named.first().map_or_else(|| path.to_owned(), |(_, name)| filled(path, name))
    }

    /// The tenants that a list can be narrowed to.
    pub fn tenants(&self) -> Vec<Named> {
        let absent = TenantId::generate();
        let tenants =
            [(Whose::Own, self.own.tenant), (Whose::Foreign, self.foreign.tenant), (Whose::Absent, absent)];
        let by_id = tenants.map(|(whose, id)| (whose, id.to_string()));
        by_id.into_iter().chain([(Whose::Own, self.own.subdomain.to_owned())]).collect()
    }
}

/// What a tenant's sandbox is called here.
fn sandbox_of(subdomain: &str) -> String {
    format!("{subdomain}-restore-20260801")
}

impl Held {
    async fn made(platform: &Platform, database: &PgPool, subdomain: &'static str) -> Self {
        let create = Call::post("/tenants", &tenant(subdomain)).by_a("admin").signed();
        let created = platform.send(create).await.json();
        let tenant: TenantId = created["tenant_id"].as_str().unwrap().parse().unwrap();
        let operation: OperationId = created["operation_id"].as_str().unwrap().parse().unwrap();
        let letter = DeadLetter {
            tenant: Some(tenant),
            operation: Some(operation),
            ..garbled(&format!("rp9.test.{subdomain}"))
        };
        let letter = keep(database, &letter).await;
        let key = json!({ "name": "Scripts", "role": "owner", "tenants": [tenant] });
        let key = platform.send(Call::post("/keys", &key).by_a("admin").signed()).await.json();
        let key = key["data"]["id"].as_str().unwrap().parse().unwrap();
        put_sandbox(database, tenant, &sandbox_of(subdomain)).await;
        let backup = kept_backup(database, tenant).await;
        let receipt = dead_call(database, tenant).await;
        Self { subdomain, tenant, operation, letter, key, backup, receipt }
    }
}
