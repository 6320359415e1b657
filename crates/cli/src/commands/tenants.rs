//! `rp9 tenants …`

mod beside;
pub(super) mod blue_green;
pub(super) mod candidates;
mod create;
mod delete;
mod domain;
pub(super) mod events;
mod failover;
pub(super) mod failovers;
mod lifecycle;
pub(super) mod list;
mod login;
mod promote;
pub(super) mod promotions;
mod rollback;
pub(super) mod scale;
pub(super) mod show;
mod update;
mod upgrade;

use clap::Subcommand;

use crate::{exit::Exit, failure::Failure, setting::Setting};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List them, the newest first
    List(list::List),
    /// Show one: how it is, what runs for it, what it may use
    Show(show::Show),
    /// Create one
    Create(create::Create),
    /// Change what is known of one: its name, its domain, where it may be
    Update(update::Update),
    /// Look now whether its own domain is proven
    VerifyDomain(domain::VerifyDomain),
    /// Remove one, and all its data
    Delete(delete::Delete),
    /// Restart everything that runs for one
    Restart(lifecycle::Lifecycle),
    /// Let one rest: its triggers stop, what runs is finished
    Suspend(lifecycle::Lifecycle),
    /// End a suspension: what was active is active again
    Resume(lifecycle::Lifecycle),
    /// Give one more or less, within its plan
    Scale(scale::Scale),
    /// Give one a later release of n8n, tried on a copy of its data before it stops for it
    Upgrade(upgrade::Upgrade),
    /// A second side of one: made beside the one that serves, given calls, put in its place, removed
    BlueGreen(blue_green::BlueGreen),
    /// Move one out of the n8n that it shares into one of its own
    Promote(promote::Promote),
    /// Move one back into the n8n that it shared, as long as what it had there is kept
    Rollback(rollback::Rollback),
    /// Let one whose own n8n is lost fall back into a shared one, from the last good copy
    Failover(failover::Failover),
    /// Each time that one was to, the newest first, and what did not come along
    Failovers(failovers::Failovers),
    /// Those that share an n8n and should have one of their own, and why
    Candidates(candidates::Candidates),
    /// Each time that one was to be moved so, the newest first
    Promotions(promotions::Promotions),
    /// What happened to one, the newest first
    Events(events::Events),
    /// How its owner gets in, for the first time or again
    Login(login::Login),
}

impl Verb {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(setting).await,
            Self::Show(show) => show.run(setting).await,
            Self::Create(create) => create.run(setting).await,
            Self::Update(update) => update.run(setting).await,
            Self::VerifyDomain(verify) => verify.run(setting).await,
            Self::Delete(delete) => delete.run(setting).await,
            Self::Restart(turn) => turn.run(setting, "restart").await,
            Self::Suspend(turn) => turn.run(setting, "suspend").await,
            Self::Resume(turn) => turn.run(setting, "resume").await,
            Self::Scale(scale) => scale.run(setting).await,
            Self::Upgrade(upgrade) => upgrade.run(setting).await,
            Self::BlueGreen(sides) => sides.run(setting).await,
            Self::Promote(promote) => promote.run(setting).await,
            Self::Rollback(rollback) => rollback.run(setting).await,
            Self::Failover(failover) => failover.run(setting).await,
            Self::Failovers(failovers) => failovers.run(setting).await,
            Self::Candidates(candidates) => candidates.run(setting).await,
            Self::Promotions(promotions) => promotions.run(setting).await,
            Self::Events(events) => events.run(setting).await,
            Self::Login(login) => login.run(setting).await,
        }
    }
}
