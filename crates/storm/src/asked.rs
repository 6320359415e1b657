//! What callers ask for, as it is sent.

use bytes::Bytes;
use common::{
    id::{OperationId, TenantId},
    operations::{OperationKind, Request as _},
};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;
use testkit::portal::Caller;
use uuid::Uuid;
use wire::kinds::{TenantCreate, TenantDelete, TenantRestart, TenantResume, TenantScale, TenantSuspend};

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Create(Plan),
    Remove(TenantId),
    Cancel(OperationId),
    Restart(TenantId),
    Suspend(TenantId),
    Resume(TenantId),
    Scale(TenantId, Wish),
}

/// What a tenant is made with. Both have few containers: those are not what is tried here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Starter,
    Pro,
}

/// How large a tenant is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Of each container.
    pub cpu_millis: u32,
    /// Of each container.
    pub memory_mb: u32,
    pub workers: u32,
}

/// What is to become of a size; what is not named stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    pub cpu_millis: Option<u32>,
    pub memory_mb: Option<u32>,
    pub workers: Option<u32>,
}

impl Plan {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starter => "starter",
            Self::Pro => "pro",
        }
    }

    /// The one of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Starter, Self::Pro].into_iter().find(|plan| plan.as_str() == name)
    }

    /// What its tenants begin with.
    pub const fn size(self) -> Size {
        match self {
            Self::Starter => Size { cpu_millis: 1000, memory_mb: 1024, workers: 1 },
            Self::Pro => Size { cpu_millis: 2000, memory_mb: 2048, workers: 2 },
        }
    }
}

impl Size {
    /// What comes of a wish.
    pub fn with(self, wish: Wish) -> Self {
        Self {
            cpu_millis: wish.cpu_millis.unwrap_or(self.cpu_millis),
            memory_mb: wish.memory_mb.unwrap_or(self.memory_mb),
            workers: wish.workers.unwrap_or(self.workers),
        }
    }
}

impl Wish {
    /// One to three figures within what either plan allows, the present ones among them.
    pub fn draw(plan: Plan, random: &mut fastrand::Rng) -> Self {
        let most = plan.size();
        // A plan's ceiling is twice what its tenants begin with.
        let mut figure = |one: u32, most: u32| random.bool().then(|| one * random.u32(1..=most));
        let wish = Self {
            cpu_millis: figure(most.cpu_millis / 2, 4),
            memory_mb: figure(most.memory_mb / 2, 4),
            workers: figure(1, most.workers * 2),
        };
        let nothing = wish == Self::default();
        if nothing { Self { workers: Some(random.u32(1..=most.workers * 2)), ..wish } } else { wish }
    }

    fn body(self) -> String {
        let mut body = json!({});
        if let Some(millis) = self.cpu_millis {
            body["cpu"] = (f64::from(millis) / 1000.0).into();
        }
        if let Some(memory_mb) = self.memory_mb {
            body["memory_mb"] = memory_mb.into();
        }
        if let Some(workers) = self.workers {
            body["workers"] = workers.into();
        }
        body.to_string()
    }
}

impl Asked {
    /// The kind of operation that does it, if one does.
    pub fn kind(self) -> Option<&'static OperationKind> {
        match self {
            Self::Create(_) => Some(TenantCreate::KIND),
            Self::Remove(_) => Some(TenantDelete::KIND),
            Self::Restart(_) => Some(TenantRestart::KIND),
            Self::Suspend(_) => Some(TenantSuspend::KIND),
            Self::Resume(_) => Some(TenantResume::KIND),
            Self::Scale(..) => Some(TenantScale::KIND),
            Self::Cancel(_) => None,
        }
    }

    /// The tenant that is named, if one is.
    pub fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Create(_) | Self::Cancel(_) => None,
            Self::Remove(tenant)
            | Self::Restart(tenant)
            | Self::Suspend(tenant)
            | Self::Resume(tenant)
            | Self::Scale(tenant, _) => Some(tenant),
        }
    }

    /// As it is sent under this key.
    pub fn request(self, caller: &Caller, key: Uuid) -> anyhow::Result<Request<Full<Bytes>>> {
        let post = |tenant: TenantId, verb: &str, body: String| {
            caller.command(Method::POST, &format!("/tenants/{tenant}/{verb}"), body, Some(key))
        };
        match self {
            Self::Create(plan) => caller.create(key, plan.as_str()),
            Self::Remove(tenant) => caller.remove(key, tenant),
            Self::Cancel(operation) => caller.cancel(key, operation),
            Self::Restart(tenant) => post(tenant, "restart", String::new()),
            Self::Suspend(tenant) => post(tenant, "suspend", String::new()),
            Self::Resume(tenant) => post(tenant, "resume", String::new()),
            Self::Scale(tenant, wish) => post(tenant, "scale", wish.body()),
        }
    }
}
