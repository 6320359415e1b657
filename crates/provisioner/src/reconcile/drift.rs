//! The ways in which a tenant is not as it should be.

use std::fmt;

use n8n::members::Flaw;
use wire::kinds::Run;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    ContainerMissing(String),
    ContainerDown(String),
    ContainerUnhealthy(String),
    ContainerCrashLooping(String),
    ContainerSilent(String),
    /// A worker that runs, is well, and takes nothing of what waits.
    WorkerIdle(Run),
    LimitsDiffer(String),
    SettingsDiffer(String),
    NetworkMissing,
    /// A sandbox could leave it, or somebody else could not.
    NetworkExitDiffers,
    SharedDetached(&'static str),
    LoginMissing,
    RoleMissing,
    /// Of an n8n that is shared.
    CommonDiffers,
    /// Of one who shares an n8n.
    Member(Flaw),
}

/// How much haste there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It works, in a former release's way.
    Renew,
    /// It runs and does not work. Many at once have a cause that healing will not find.
    Revive,
    /// Something that it needs is not there.
    Restore,
}

impl Drift {
    /// The word in metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ContainerMissing(_) => "container_missing",
            Self::ContainerDown(_) => "container_down",
            Self::ContainerUnhealthy(_) => "container_unhealthy",
            Self::ContainerCrashLooping(_) => "container_crash_looping",
            Self::ContainerSilent(_) => "container_silent",
            Self::WorkerIdle(_) => "worker_idle",
            Self::LimitsDiffer(_) => "limits_differ",
            Self::SettingsDiffer(_) => "settings_differ",
            Self::NetworkMissing => "network_missing",
            Self::NetworkExitDiffers => "network_exit_differs",
            Self::SharedDetached(_) => "shared_detached",
            Self::LoginMissing => "login_missing",
            Self::RoleMissing => "role_missing",
            Self::CommonDiffers => "common_differs",
            Self::Member(flaw) => flaw.as_str(),
        }
    }

    /// How much haste there is about it.
    pub const fn urgency(&self) -> Urgency {
        match self {
            Self::SettingsDiffer(_) => Urgency::Renew,
            Self::ContainerUnhealthy(_)
            | Self::ContainerCrashLooping(_)
            | Self::ContainerSilent(_)
            | Self::WorkerIdle(_) => Urgency::Revive,
            Self::ContainerMissing(_)
            | Self::ContainerDown(_)
            | Self::LimitsDiffer(_)
            | Self::NetworkMissing
            | Self::NetworkExitDiffers
            | Self::SharedDetached(_)
            | Self::LoginMissing
            | Self::RoleMissing
            | Self::CommonDiffers
            | Self::Member(_) => Urgency::Restore,
        }
    }

    /// The container whose process has to begin anew, because it would not come to life by what it lacks alone.
    pub fn restart(&self) -> Option<&str> {
        match self {
            Self::ContainerUnhealthy(name) | Self::ContainerCrashLooping(name) => Some(name),
            Self::ContainerMissing(_)
            | Self::ContainerDown(_)
            | Self::ContainerSilent(_)
            | Self::WorkerIdle(_)
            | Self::LimitsDiffer(_)
            | Self::SettingsDiffer(_)
            | Self::NetworkMissing
            | Self::NetworkExitDiffers
            | Self::SharedDetached(_)
            | Self::LoginMissing
            | Self::RoleMissing
            | Self::CommonDiffers
            | Self::Member(_) => None,
        }
    }

    /// The worker that begins anew if it is still the one that was seen: nothing can be seen of it itself afterwards.
    pub const fn idle(&self) -> Option<&Run> {
        if let Self::WorkerIdle(run) = self { Some(run) } else { None }
    }

    /// The container that gets this release's settings: where nothing else is wrong, because it has a former one's; otherwise because it
    /// does not work and was healed `in_vain` before, so that it has nothing to lose.
    pub fn renew(&self, urgency: Urgency, in_vain: bool) -> Option<&str> {
        match self {
            Self::SettingsDiffer(name) => (urgency == Urgency::Renew).then_some(name),
            Self::ContainerDown(name)
            | Self::ContainerUnhealthy(name)
            | Self::ContainerCrashLooping(name)
            | Self::WorkerIdle(Run { container: name, .. }) => in_vain.then_some(name),
            Self::ContainerMissing(_)
            | Self::ContainerSilent(_)
            | Self::LimitsDiffer(_)
            | Self::NetworkMissing
            | Self::NetworkExitDiffers
            | Self::SharedDetached(_)
            | Self::LoginMissing
            | Self::RoleMissing
            | Self::CommonDiffers
            | Self::Member(_) => None,
        }
    }
}

/// That of the most urgent of them.
pub fn urgency(drifts: &[Drift]) -> Urgency {
    drifts.iter().map(Drift::urgency).max().unwrap_or(Urgency::Renew)
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContainerMissing(name) => write!(f, "{name} is missing"),
            Self::ContainerDown(name) => write!(f, "{name} is down"),
            Self::ContainerUnhealthy(name) => write!(f, "{name} does not answer"),
            Self::ContainerCrashLooping(name) => write!(f, "{name} ends again and again"),
            Self::ContainerSilent(name) => write!(f, "the engine says nothing of {name}"),
            Self::WorkerIdle(run) => write!(f, "{} takes nothing of what waits", run.container),
            Self::LimitsDiffer(name) => write!(f, "{name} has other limits than its row"),
            Self::SettingsDiffer(name) => {
                write!(f, "{name} has the settings of a former release or configuration")
            }
            Self::NetworkMissing => write!(f, "the network is missing"),
            Self::NetworkExitDiffers => {
                write!(f, "the network has an exit where it should have none, or none where it should")
            }
            Self::SharedDetached(role) => write!(f, "{role} is not in the tenant's network"),
            Self::LoginMissing => write!(f, "the login in Redis is missing"),
            Self::RoleMissing => write!(f, "the role in Postgres is missing"),
            Self::CommonDiffers => {
                write!(
                    f,
                    "what tenants may do in it, or what keeps them apart in its database, is not as it should be"
                )
            }
            Self::Member(flaw) => flaw.fmt(f),
        }
    }
}
