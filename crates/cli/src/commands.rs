//! Every command: what can be typed, what is asked of the API, what is shown.

mod accepted;
mod api;
mod audit;
mod completions;
mod dead_letters;
mod health;
mod listing;
mod logs;
mod man;
mod operations;
mod plans;
mod profiles;
mod reason;
mod schedules;
mod tenants;

#[cfg(test)]
mod described;

use clap::Subcommand;

use crate::{exit::Exit, failure::Failure, setting::Setting};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tenants: who they are, how they are, what is done to them
    #[command(subcommand)]
    Tenants(tenants::Verb),
    /// What a tenant's containers say
    Logs(logs::Logs),
    /// Long work: how far it is, and what a person decides about it
    #[command(subcommand)]
    Operations(operations::Verb),
    /// Who asked for what, and what came of it
    Audit(audit::Audit),
    /// Messages that could not be handled
    #[command(subcommand)]
    DeadLetters(dead_letters::Verb),
    /// What is done again and again
    #[command(subcommand)]
    Schedules(schedules::Verb),
    /// What tenants can be offered
    Plans(plans::Plans),
    /// Whether the API can be used, and everything it stands on
    Health(health::Health),
    /// Any request, signed
    Api(api::Call),
    /// Where and as whom
    #[command(subcommand)]
    Profiles(profiles::Verb),
    /// What a shell needs to complete what is typed
    Completions(completions::Completions),
    /// The manual, for `man`
    Man(man::Man),
}

impl Command {
    /// Does it.
    pub async fn run(&self, setting: &Setting) -> Result<Exit, Failure> {
        match self {
            Self::Tenants(verb) => verb.run(setting).await,
            Self::Logs(logs) => logs.run(setting).await,
            Self::Operations(verb) => verb.run(setting).await,
            Self::Audit(audit) => audit.run(setting).await,
            Self::DeadLetters(verb) => verb.run(setting).await,
            Self::Schedules(verb) => verb.run(setting).await,
            Self::Plans(plans) => plans.run(setting).await,
            Self::Health(health) => health.run(setting).await,
            Self::Api(call) => call.run(setting).await,
            Self::Profiles(verb) => verb.run(setting),
            Self::Completions(completions) => completions.run(setting),
            Self::Man(man) => man.run(setting),
        }
    }
}
