//! Closed sets of words, as the description of the API shows them: made of the code that knows them, so that neither has a word the other
//! lacks. Plans are no such set: they are rows.

use std::borrow::Cow;

use common::{
    dead_letters::Reason,
    error::Kind,
    operations::{LOST, OperationKind, STATUSES},
    tenant,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use wire::{backups::BackupType, kinds};

use crate::{
    auth::{KeyScope, Role},
    problem::Code,
};

/// Whoever takes messages from the bus.
pub const CONSUMERS: [&str; 2] = [wire::PROVISIONER.service, wire::BACKUP.service];

/// What a plan may say of calls to a suspended tenant's webhooks: kept until it is resumed, or not.
pub const WHEN_SUSPENDED: [&str; 2] = ["held", "refused"];

/// A closed set of words.
pub trait Words {
    /// What the refusal of another word is called.
    const UNKNOWN: &'static str = "unknown_word";

    /// All of them.
    fn words() -> Vec<Cow<'static, str>>;
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $(($unknown:literal))?: $words:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Words for $name {
            $(const UNKNOWN: &'static str = $unknown;)?

            fn words() -> Vec<Cow<'static, str>> {
                $words.into_iter().map(Cow::from).collect()
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Self::words())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

words! {
    /// How a tenant is hosted.
    Mode: tenant::Mode::ALL.iter().copied();
    /// How a tenant is.
    TenantStatus: tenant::TenantStatus::ALL.iter().copied();
    /// How an n8n that tenants share is.
    SharedInstanceState: ["provisioning", "active", "draining", "failed", "deleting", "deleted"];
    /// What an operation does.
    OperationKinds: kinds::ALL.map(OperationKind::as_str);
    /// Why a backup is made.
    BackupTypes: BackupType::ALL.iter().map(|backup_type| backup_type.as_str());
    /// How a backup is.
    BackupStatus ("unknown_status"):
        ["queued", "running", "written", "verified", "proven", "failed", "removing", "removed"];
    /// What becomes of calls to a suspended tenant's webhooks.
    WhenSuspended: WHEN_SUSPENDED;
    /// How a call is that was held.
    HeldState: ["held", "delivering", "delivered", "dead"];
    /// What somebody may have made or changed.
    ThingKind: ["workflow", "credential", "data_table"];
    /// How a promotion is.
    PromotionStatus: ["running", "succeeded", "failed", "rolled_back"];
    /// How a failover is.
    FailoverStatus: ["running", "succeeded", "failed"];
    /// What a tenant was brought back from.
    FailoverSource: ["database", "backup"];
    /// How urgent it is that a tenant gets an n8n of its own.
    Urgency: ["high", "medium", "low"];
    /// How a rollout is.
    RolloutStatus: ["running", "succeeded", "stopped", "cancelled"];
    /// How far a rollout is with a tenant.
    RolloutTenantStatus: ["waiting", "running", "succeeded", "failed", "skipped"];
    /// How a restore drill is.
    DrillResult: ["running", "passed", "failed"];
    /// What somebody tells of a drill that they have held.
    DrillOutcome: ["passed", "failed"];
    /// What became of the data in a drill.
    DataIntegrity: ["intact", "damaged", "not_checked"];
    /// How an operation is.
    OperationStatus ("unknown_status"): STATUSES;
    /// What a failure is; `cancelled` is one that somebody asked for, `lost` one that nobody was left to tell of.
    FailureKind: Kind::ALL.iter().map(|kind| kind.as_str()).chain(["cancelled", LOST]);
    /// What somebody is to the platform.
    CallerRole: Role::ALL.iter().map(|role| role.as_str());
    /// What a key may be limited to.
    KeyScopes: KeyScope::words();
    /// How a key is.
    KeyState ("unknown_state"): ["active", "expired", "revoked"];
    /// What became of a command, or of looking at a secret.
    AuditOutcome: outcomes();
    /// Why a message could not be handled.
    DeadLetterReason: Reason::ALL.map(Reason::as_str);
    /// What a dead letter can be while it is there.
    DeadLetterState: ["waiting", "replaying", "replayed"];
    /// Who takes messages from the bus.
    Consumer: CONSUMERS;
    /// What was decided about it.
    Decision: ["replaying", "deleted"];
    /// What a container does for its tenant.
    InstanceRole: ["main", "webhook", "worker"];
    /// Which of a tenant's two sides is meant.
    Color: tenant::Color::ALL.iter().copied();
    /// How far a claim to a domain has come.
    ClaimState: ["pending", "proven", "lapsed"];
    /// How one firing is.
    FiringState: ["waiting", "running", "done", "failed"];
    /// What becomes of firings that nobody was there for.
    Misses: ["catch_up", "skip"];
    /// What a problem is about.
    ProblemCode: Code::ALL.iter().map(|code| code.as_str());
}

fn outcomes() -> Vec<String> {
    let refused = Code::ALL.iter().map(|code| format!("refused: {}", code.as_str()));
    ["accepted", "already", "shown"].map(str::to_owned).into_iter().chain(refused).collect()
}
